"""Means over seeds against scipy's interval of Student's t."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from scripts.lib.ensembles.group_quantities import HELD_OUT, SHIFTED, TRAINING
from scripts.lib.statistics.ways import over_seeds, ways_table


def test_interval_is_that_of_student() -> None:
    values = np.random.default_rng(0).normal(80, 2, 5)
    mean, low, high = over_seeds(values)
    expected = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(expected)


def test_one_seed_has_no_interval_and_equal_seeds_an_interval_of_no_width() -> None:
    assert np.isnan(over_seeds(np.array([80.0]))[1:]).all()
    assert over_seeds(np.full(5, 80.0)) == (80, 80, 80)


def rows(values: dict[tuple[str, int, str], float]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"group": f"{way}-s{seed}", "way": way, "loss": "", "seed": seed, "dataset": dataset}
            | {"quantity": "member_accuracy", "samples": samples, "value": value + extra}
            for (way, seed, dataset), value in values.items()
            for samples, extra in (("all", 0.0), ("even", 100.0), ("odd", 200.0))
        ]
    )


def test_a_row_for_each_set_and_for_the_mean_over_the_shifted_ones() -> None:
    values = {
        (way, seed, dataset): seed + {"clean": 80, "noise": 50, "blur": 60}[dataset]
        for way in "ab"
        for seed in (1, 3)
        for dataset in ("clean", "noise", "blur")
    }
    table = ways_table([rows(values)], [], "clean")
    found = {row["dataset"]: row for row in table.filter(way="a").iter_rows(named=True)}
    assert found.keys() == {"clean", "noise", "blur", SHIFTED}
    assert found["clean"]["mean"] == 82
    assert found[SHIFTED]["mean"] == 57
    assert found[SHIFTED]["seeds"] == 2
    assert found["noise"]["low"] < 52 < found["noise"]["high"]


def test_penalties_of_the_records() -> None:
    record = {
        "group": {"id": "a-s1", "way": "a", "loss": {"ncl": 0.5}, "seed": 1, "members": [{"architecture": {}}]},
        "penalties": {"training": {"ncl": -0.2}, "held_out": {"ncl": -0.1}},
    }
    table = ways_table([rows({("a", 1, "clean"): 80.0})], [record], "clean")
    found = table.filter(quantity="penalty_ncl")
    assert found["loss"].to_list() == ["ncl 0.5"] * 2
    assert found["networks"].to_list() == [0, 0]
    assert dict(zip(found["dataset"], found["mean"], strict=True)) == {TRAINING: -0.2, HELD_OUT: -0.1}
