"""The tables of choices and of what becomes of them, against averages written out."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from scripts.lib.choices.greedy_weights import GreedySettings
from scripts.lib.choices.study import settings_of, splits_of
from scripts.lib.choices.tables import CHOICES, HELD_OUT, LabelledSet, Splits, choices_table, held_out_table
from scripts.lib.choices.ways import Settings
from scripts.lib.ensembles.contributions import all_subsets
from scripts.lib.ensembles.deployment import split
from scripts.lib.ensembles.intervals import paired_interval, wilson_interval
from scripts.lib.inference.predictions import Predictions
from tests.unit.choices.problem import CPU, problem

M, N = 5, 120
TEMPERATURES = [0.5, 1.0, 1.5, 2.0, 3.0]


def sets_of(kinds: list[str], samples: list[int] | None = None) -> tuple[list[LabelledSet], list[np.ndarray]]:
    """Sets and their logits float64 [M, N, C]."""
    sets, logits = [], []
    for number, kind in enumerate(kinds):
        predictions, labels, probabilities = problem(M, samples[number] if samples else N, kind=kind, seed=number)
        predictions = Predictions(f"set{number}", predictions.members, predictions.samples, predictions.logits)
        rows, _ = split(len(labels), 0.4, 3)
        chosen = all_subsets(M)
        sums = [np.einsum("m,mnc->nc", row, probabilities[:, rows]) for row in chosen]
        right = np.array([(each.argmax(1) == labels.numpy()[rows]).sum() for each in sums])
        sets.append(LabelledSet(predictions, labels, right))
        logits.append(np.stack(predictions.logits).astype(np.float64))
    return sets, logits


def settings(**changes: Any) -> Settings:
    return Settings(
        **{
            "metrics": ["accuracy", "nll", "brier"],
            "ways": ["best", "greedy_weights", "stacking"],
            "greedy": GreedySettings(picks=10),
            "largest": 5,
            "seed": 0,
            "costs": {"macs": np.array([5.0, 4, 3, 2, 1]), "members": np.ones(M)},
        }
        | changes
    )


def mixed(logits: np.ndarray, row: dict[str, Any]) -> np.ndarray:
    """The probabilities float64 [N, C] of a choice, from its columns alone."""
    own = logits[row["members"]]
    if row["temperatures"] is not None:
        own = own / np.array(row["temperatures"])[:, None, None]
    powers = np.exp(own - own.max(2, keepdims=True))
    found: np.ndarray = np.einsum("m,mnc->nc", row["weights"], powers / powers.sum(2, keepdims=True))
    return found


def scores(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    true = probabilities[np.arange(len(labels)), labels]
    return {
        "accuracy": 100 * (probabilities.argmax(1) == labels).mean(),
        "nll": -np.log(np.maximum(true, 1e-12)).mean(),
        "brier": ((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(1).mean(),
    }


def test_every_choice_has_the_score_that_its_weights_and_temperatures_give() -> None:
    sets, logits = sets_of(["random", "random"])
    splits = Splits(0.4, 3, CPU, TEMPERATURES)
    table = choices_table(sets, ["clean", "mean", "worst"], splits, settings(budget={"macs": 6.0}))
    assert dict(table.schema) == CHOICES
    assert set(table["chosen_on"]) == {"set0", "set1", "mean", "worst"}
    assert set(table["way"]) == {"single", "all", "best", "greedy_weights", "stacking", "budget"}
    assert set(table.filter(consensus="calibrated")["way"]) == set(table["way"]) - {"single"}
    for row in table.to_dicts():
        assert sum(row["weights"]) == pytest.approx(1)
        assert min(row["weights"]) > 0
        assert (row["temperatures"] is not None) == (row["consensus"] == "calibrated")
        rows, _ = split(N, 0.4, 3)
        of_sets = [
            scores(mixed(values[:, rows], row), one.labels.numpy()[rows])[row["metric"]]
            for values, one in zip(logits, sets, strict=True)
        ]
        worst = min if row["metric"] == "accuracy" else max
        expected = {"set0": of_sets[0], "set1": of_sets[1], "mean": np.mean(of_sets), "worst": worst(of_sets)}
        assert row["score"] == pytest.approx(expected[row["chosen_on"]]), row
        assert row["samples"] == len(rows) * (1 if row["chosen_on"].startswith("set") else 2)
        assert row["macs"] == sum(5 - member for member in row["members"])
        assert row["latency_ms"] is None
        assert row["way"] != "budget" or row["macs"] <= 6
        own = [
            {"members": [m], "weights": [1], "temperatures": row["temperatures"] and [TEMPERATURES[m]]}
            for m in range(M)
        ]
        alone = [scores(mixed(logits[0][:, rows], one), sets[0].labels.numpy()[rows]) for one in own]
        if row["chosen_on"] == "set0":
            values = {m: alone[m][row["metric"]] for m in range(M) if 5 - m <= row["macs"]}
            best = max(values.values()) if row["metric"] == "accuracy" else min(values.values())
            assert values[row["equal_cost_member"]] == pytest.approx(best)


@pytest.mark.parametrize("metric", ["nll", "brier"])
def test_the_best_scaled_ensemble_of_each_size_is_the_best_of_all(metric: str) -> None:
    sets, logits = sets_of(["random"])
    table = choices_table(sets, ["clean"], Splits(0.4, 3, CPU, TEMPERATURES), settings(budget={"members": 2}))
    rows, _ = split(N, 0.4, 3)
    losses = {}
    for chosen in all_subsets(M):
        members = np.flatnonzero(chosen)
        row = {"members": members, "weights": np.full(len(members), 1 / len(members))}
        row["temperatures"] = np.array(TEMPERATURES)[members]
        losses[tuple(members)] = scores(mixed(logits[0][:, rows], row), sets[0].labels.numpy()[rows])[metric]
    own = table.filter(chosen_on="set0", consensus="calibrated", metric=metric)
    for row in own.filter(way="best").to_dicts():
        assert row["score"] == pytest.approx(min(loss for of, loss in losses.items() if len(of) == row["size"]))
    [within] = own.filter(way="budget").to_dicts()
    assert within["score"] == pytest.approx(min(loss for of, loss in losses.items() if len(of) <= 2))
    assert set(own.filter(pl.col("way").is_in(["best", "budget"]))["found"]) == {"all"}
    by_accuracy = table.filter(consensus="calibrated", metric="accuracy", way="best")
    assert set(by_accuracy["found"]) == {"greedy"}, "the scaled ensembles are not counted"


def test_choices_made_on_the_clean_set_are_judged_on_the_evaluation_split_of_every_set() -> None:
    sets, logits = sets_of(["random", "random", "random"], [N, N, 90])
    splits = Splits(0.4, 3, CPU, TEMPERATURES)
    chosen = choices_table(sets, ["clean", "worst"], splits, settings())
    table = held_out_table(sets, chosen, ["clean", "worst"], splits)
    assert dict(table.schema) == HELD_OUT
    assert set(table["chosen_on"]) == {"set0", "worst"}
    made = chosen.filter(pl.col("chosen_on").is_in(["set0", "worst"]))
    assert len(table) == 3 * len(made)
    assert table["same_split"].to_list() == [True] * (2 * len(made)) + [False] * len(made)
    own_of = {
        (r["chosen_on"], r["way"], r["metric"], r["consensus"], r["size"] if r["way"] == "best" else None): r
        for r in chosen.to_dicts()
    }
    for row, choice in zip(table.to_dicts(), made.to_dicts() * 3, strict=True):
        number = int(row["dataset"][-1])
        _, rows = split(len(sets[number].labels), 0.4, 3)
        labels = sets[number].labels.numpy()[rows]
        probabilities = mixed(logits[number][:, rows], choice)
        expected = scores(probabilities, labels)
        for name, value in expected.items():
            assert row[name] == pytest.approx(value), name
        correct = probabilities.argmax(1) == labels
        low, high = wilson_interval(np.array([correct.sum()]), len(rows))
        assert (row["low"], row["high"]) == (low[0], high[0])
        references = {
            "over_single": {"members": [choice["equal_cost_member"]], "weights": [1], "temperatures": None},
            "over_all": {"members": list(range(M)), "weights": [1 / M] * M, "temperatures": None},
        }
        for name, reference in references.items():
            theirs = mixed(logits[number][:, rows], reference).argmax(1) == labels
            only = np.array([(correct & ~theirs).sum()]), np.array([(theirs & ~correct).sum()])
            ends = paired_interval(*only, len(rows))
            assert row[name] == pytest.approx(100 * (correct.mean() - theirs.mean()))
            assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx((ends[0].item(), ends[1].item()))
        key = (
            row["dataset"],
            row["way"],
            row["metric"],
            row["consensus"],
            row["size"] if row["way"] == "best" else None,
        )
        if number == 0:
            assert row["regret"] is row["nll_regret"] is None
            continue
        own = scores(mixed(logits[number][:, rows], own_of[key]), labels)
        assert row["regret"] == pytest.approx(own["accuracy"] - expected["accuracy"])
        assert row["regret_low"] <= row["regret"] <= row["regret_high"]
        assert row["nll_regret"] == pytest.approx(expected["nll"] - own["nll"], abs=1e-12)
        assert row["nll_regret_low"] <= row["nll_regret"] <= row["nll_regret_high"]


def test_members_that_only_give_classes_are_weighted_by_accuracy_and_ties_go_to_the_lowest_class() -> None:
    sets, logits = sets_of(["extreme"])
    table = choices_table(sets, ["clean"], Splits(0.4, 3, CPU), settings(metrics=["accuracy"]))
    _, rows = split(N, 0.4, 3)
    held = held_out_table(sets, table, ["clean"], Splits(0.4, 3, CPU))
    for row, choice in zip(held.to_dicts(), table.to_dicts(), strict=True):
        values = np.round(mixed(logits[0][:, rows], choice), 12)
        assert row["accuracy"] == pytest.approx(100 * (values.argmax(1) == sets[0].labels.numpy()[rows]).mean())


def test_a_missing_class_of_the_selection_split_is_said_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    predictions, labels, _ = problem(M, 40)
    labels = torch.where(labels == 2, 1, labels)
    one = LabelledSet(predictions, labels, np.zeros(0, np.int64))
    choices_table([one], ["clean"], Splits(0.5, 0, CPU), settings())
    assert "the selection split of clean has samples of 3 of the 4 classes" in caplog.text


def described(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {"position": range(M), "macs": [1] * M, "latency_ms": [None] * M, "parameters": [2] * M} | columns
    )


SECTION: dict[str, Any] = {
    "selection_share": 0.5, "metrics": None, "ways": ["best", "calibrated"], "over": ["clean"], "budget": {},
    "greedy_weights": {"picks": 3, "start": 0, "bags": 1, "bag_share": 0.5},
}  # fmt: skip


def test_settings_come_from_the_section_and_from_what_is_known_of_the_members() -> None:
    found = settings_of(SECTION, described(), 7, 1)
    assert (found.metrics, found.ways, found.largest) == (["accuracy", "nll"], ["best"], 7)
    assert set(found.costs) == {"macs", "parameters", "members"}
    assert found.greedy == GreedySettings(3, 0, 1, 0.5)


@pytest.mark.parametrize(
    ("values", "ways", "expected"),
    [
        (TEMPERATURES, ["calibrated"], TEMPERATURES),
        ([*TEMPERATURES[:4], None], ["calibrated"], None),
        (TEMPERATURES, ["best"], None),
    ],
)
def test_averages_are_calibrated_if_every_member_has_a_temperature(values: Any, ways: Any, expected: Any) -> None:
    table = pl.DataFrame({"role": ["member"] * M + ["all_members"], "temperature": [*values, 1.0]})
    assert splits_of(SECTION | {"ways": ways}, table, M, 0, CPU).temperatures == expected
