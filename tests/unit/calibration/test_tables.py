"""The tables of calibration, row by row against scipy, and the identities that they must fulfil."""

import math

import numpy as np
import polars as pl
import pytest
import torch
from scipy.special import log_softmax, logsumexp

import kernels
from kernels.average_nll import FLOOR
from scripts.lib.calibration import forecasts as forecasts_module
from scripts.lib.calibration.forecasts import ALL_MEMBERS, ARITHMETIC, AVERAGE, GEOMETRIC, MEMBER, MEMBERS, NONE
from scripts.lib.calibration.tables import calibration_tables
from scripts.lib.calibration.temperature import FEW_SAMPLES, LEAST_SAMPLES, LOWEST, ONE_HOT
from scripts.lib.ensembles.deployment import split
from scripts.lib.ensembles.scores import BINS
from scripts.lib.inference.predictions import Predictions, probabilities
from tests.unit.calibration.problem import CPU, SEED, SHARE, deployed, predictions_of, problem, tables_of

SCORES = ("accuracy", "mean_confidence", "nll", "brier", "ece", "ece_equal_mass", "aurc", "ambiguity")


def reference(row: dict, logits: np.ndarray, own: dict[int, float], temperature: float | None) -> np.ndarray:
    """Logarithms of the probabilities of a row of the table, from the logits [M, N, C] of the evaluation split."""
    values = np.stack([logits[member] for member in row["members"]])
    if row["scaling"] == MEMBERS:
        values = np.stack([logits[member] / own[member] for member in row["members"]])
    values = log_softmax(values, axis=2)
    values = logsumexp(values, axis=0, b=1 / len(values)) if row["averaging"] == ARITHMETIC else values.mean(0)
    return log_softmax(values / (temperature if row["scaling"] == AVERAGE else 1), axis=1)


def test_every_row_is_that_of_scipy() -> None:
    logits, labels = problem()
    temperatures, table, _ = tables_of(logits, labels, deployed([0, 1], [1, 2, 3]))
    assert len(table) == 4 * 2 + 3 * 2 * 3
    _, rows = split(len(labels), SHARE, SEED)
    logits, true = logits.astype(np.float32)[:, rows].astype(float), labels.numpy()[rows]
    own = dict(enumerate(temperatures.filter(role=MEMBER)["temperature"]))
    keys = ["role", "members", "averaging"]
    joined = table.join(temperatures.select(*keys, "temperature"), on=keys, nulls_equal=True, maintain_order="left")
    for row in joined.iter_rows(named=True):
        logs = reference(row, logits, own, row["temperature"])
        values, of_true = np.exp(logs), logs[np.arange(len(rows)), true]
        assert row["samples"] == len(rows)
        assert row["accuracy"] == pytest.approx(100 * (values.argmax(1) == true).mean(), rel=1e-14)
        assert row["nll"] == pytest.approx(-of_true.clip(math.log(FLOOR)).mean(), rel=1e-10)
        assert row["brier"] == pytest.approx(((values - np.eye(4)[true]) ** 2).sum(1).mean(), rel=1e-10)
        assert row["mean_confidence"] == pytest.approx(values.max(1).mean(), rel=1e-10)
        used = [] if row["scaling"] == NONE else [row["temperature"]]
        expected = [own[member] for member in row["members"]] if row["scaling"] == MEMBERS else used
        assert (row["temperatures"] or []) == expected


def test_the_arithmetic_average_decides_as_ensembles_by_averaging_do() -> None:
    logits, labels = problem(6, 400)
    _, table, _ = tables_of(logits, labels, deployed([0, 1], [1, 2, 3]))
    _, rows = split(len(labels), SHARE, SEED)
    values = probabilities([member[rows] for member in logits.astype(np.float32)], torch.float64)
    chosen = table.filter(scaling=NONE, averaging=ARITHMETIC)
    listed = torch.zeros(len(chosen), 6, dtype=torch.bool)
    for row, members in enumerate(chosen["members"]):
        listed[row, members.to_list()] = True
    right = kernels.consensus_sweep(values, labels[torch.from_numpy(rows)], listed, "average")
    assert chosen["accuracy"].to_list() == (100 * right.numpy() / len(rows)).tolist()


def test_scores_of_averages_are_the_mean_of_the_members_minus_ambiguity() -> None:
    """With own temperatures as well as without."""
    logits, labels = problem()
    _, table, _ = tables_of(logits / 4, labels, deployed([0, 1], [1, 2, 3]))
    assert table["nll_clipped"].sum() == 0
    alone = {(row["members"][0], row["scaling"]): row for row in table.filter(role=MEMBER).iter_rows(named=True)}
    for row in table.filter(pl.col("role") != MEMBER, pl.col("scaling") != AVERAGE).iter_rows(named=True):
        score = "brier" if row["averaging"] == ARITHMETIC else "nll"
        mean = np.mean([alone[member, row["scaling"]][score] for member in row["members"]])
        assert row[score] == pytest.approx(mean - row["ambiguity"], rel=1e-10)
        assert row["ambiguity"] > 0
    undefined = table.filter((pl.col("role") == MEMBER) | (pl.col("scaling") == AVERAGE))
    assert undefined["ambiguity"].null_count() == len(undefined)


def test_changes_are_those_from_the_row_without_scaling() -> None:
    logits, labels = problem()
    _, table, curves = tables_of(logits, labels, deployed([0, 1]))
    for _, rows in table.group_by("role", "members", "averaging", maintain_order=True):
        plain, *others = rows.iter_rows(named=True)
        assert plain["nll_change"] is None
        for row in others:
            assert row["nll_change"] == pytest.approx(row["nll"] - plain["nll"], abs=1e-12)
            assert row["nll_change_low"] < row["nll_change"] < row["nll_change_high"]
            if row["scaling"] == AVERAGE:  # one temperature changes no decision
                assert row["accuracy"] == plain["accuracy"]
    keys = ["role", "members", "size", "averaging", "recommended", "scaling"]
    assert curves.select(keys).unique(maintain_order=True).equals(table.select(keys))
    sums = curves.group_by(keys, maintain_order=True).agg(pl.len(), pl.col("samples").sum())
    assert set(sums["len"]) == {BINS}
    assert set(sums["samples"]) == {len(labels) // 2}
    gaps = pl.col("samples") * (pl.col("accuracy") / 100 - pl.col("mean_confidence")).abs()
    errors = curves.group_by(keys, maintain_order=True).agg(gaps.sum() / pl.col("samples").sum())
    np.testing.assert_allclose(errors["samples"], table["ece"], atol=1e-14)


def test_temperatures_see_the_selection_split_only_and_scores_the_other() -> None:
    logits, labels = problem()
    choose, judge = split(len(labels), SHARE, SEED)
    temperatures, table, _ = tables_of(logits, labels, None)
    changed = logits.copy()
    changed[:, judge] *= -1
    again, other, _ = tables_of(changed, labels, None)
    assert again.equals(temperatures)
    assert not other["nll"].equals(table["nll"])
    changed = logits.copy()
    changed[:, choose] *= -1
    _, other, _ = tables_of(changed, labels, None)
    unscaled = {"scaling": NONE}
    assert other.filter(**unscaled).equals(table.filter(**unscaled))


def test_blocks_of_samples_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = problem()
    whole = tables_of(logits, labels, deployed([0, 1], [1, 2, 3]))
    monkeypatch.setattr(forecasts_module, "BLOCK_BYTES", 8 * 6 * 4 * 4 * 7)
    parts = tables_of(logits, labels, deployed([0, 1], [1, 2, 3]))
    for one, other in zip(whole, parts, strict=True):
        assert one.schema == other.schema
        for name in one.columns:
            if one.schema[name] == pl.Float64:
                np.testing.assert_allclose(one[name], other[name], rtol=1e-9, atol=1e-12, err_msg=name)
            elif name != "temperatures":
                assert one[name].equals(other[name])


def test_overconfident_members_spoil_the_geometric_average_until_they_are_scaled() -> None:
    """Two of six members are sure of a class that is often wrong, as on the demo's set with noise."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 600)
    logits = random.normal(size=(6, 600, 4))
    logits[:, np.arange(600), labels] += 1.5
    logits[4:] = 40 * random.normal(size=(2, 600, 4))
    _, table, _ = tables_of(logits, torch.from_numpy(labels), deployed([0, 1]))
    rows = {(row["averaging"], row["scaling"]): row for row in table.filter(role=ALL_MEMBERS).iter_rows(named=True)}
    arithmetic, geometric = (rows[averaging, NONE] for averaging in (ARITHMETIC, GEOMETRIC))
    assert arithmetic["accuracy"] > geometric["accuracy"] + 20
    assert arithmetic["nll"] < 1.5 < 5 < geometric["nll"]
    assert rows[GEOMETRIC, MEMBERS]["accuracy"] > arithmetic["accuracy"]
    assert rows[GEOMETRIC, MEMBERS]["nll"] < arithmetic["nll"]


def test_votes_have_scores_but_no_temperature_and_no_scaled_ensembles_with_them() -> None:
    logits, labels = problem(3)
    logits[1] = np.log(np.maximum(np.eye(4)[logits[1].argmax(1)], 1e-30))
    temperatures, table, curves = tables_of(logits, labels, deployed([0, 2], [0, 1, 2]))
    assert temperatures["reason"].to_list()[:3] == [None, ONE_HOT, None]
    assert temperatures["temperature"].null_count() == 1  # the average of votes and probabilities has one
    null = table.filter(pl.col("nll").is_null())
    assert null.select("members", "scaling").rows() == [([1], MEMBERS), *[([0, 1, 2], MEMBERS)] * 2]
    assert null.select(*SCORES, "temperatures", "samples").null_count().row(0) == (3,) * 10
    votes = table.filter(members=[1], scaling=NONE).row(0, named=True)
    assert votes["one_hot"] == votes["samples"]
    assert [votes["ece"], votes["aurc"]] == pytest.approx([1 - votes["accuracy"] / 100] * 2)
    assert len(curves) == BINS * (len(table) - 3)


def test_a_split_that_is_too_small_has_no_temperatures() -> None:
    logits, labels = problem(samples=2 * LEAST_SAMPLES - 2)
    temperatures, table, _ = tables_of(logits, labels, deployed([0, 1]))
    assert set(temperatures["reason"]) == {FEW_SAMPLES}
    assert set(temperatures["samples"]) == {LEAST_SAMPLES - 1}
    assert table.filter(pl.col("scaling") != NONE)["nll"].null_count() == 4 + 2 * 2 * 2
    assert table.filter(scaling=NONE)["nll"].null_count() == 0


@pytest.mark.parametrize("samples", [2, 3, 30])
def test_few_samples(samples: int) -> None:
    logits, labels = problem(2, samples)
    _, table, _ = tables_of(logits, labels, deployed([0, 1]))
    plain = table.filter(scaling=NONE)
    assert plain.select(*SCORES[:-1]).null_count().row(0) == (0,) * 7
    assert set(plain["samples"]) == {samples - samples // 2 if samples != 3 else 1}


def test_one_member_and_equal_members() -> None:
    logits, labels = problem(1)
    _, alone, _ = tables_of(logits, labels, deployed([0]))
    assert alone["role"].to_list() == [MEMBER] * 2
    _, table, _ = tables_of(np.repeat(logits, 3, axis=0), labels, deployed([0, 1]))
    for scaling in (NONE, MEMBERS):
        expected = alone.filter(scaling=scaling).row(0, named=True)
        for row in table.filter(scaling=scaling).iter_rows(named=True):
            for name in ("nll", "brier", "accuracy", "mean_confidence", "ece"):
                assert row[name] == pytest.approx(expected[name], rel=1e-9), name
            assert row["ambiguity"] in (None, pytest.approx(0, abs=1e-12))
    together = table.filter(pl.col("role") != MEMBER)  # the average needs the temperature of its equal members
    assert set(together["nll"].round(9)) == set(alone["nll"].round(9))


def test_a_member_that_is_never_wrong_on_the_selection_split() -> None:
    logits, labels = problem(2)
    choose, _ = split(len(labels), SHARE, SEED)
    logits[0, choose, labels.numpy()[choose]] += 12
    temperatures, table, _ = tables_of(logits, labels, None)
    assert (temperatures["temperature"][0], temperatures["at_limit"].to_list()) == (LOWEST, [True, False])
    assert table.filter(members=[0], scaling=MEMBERS)["nll_clipped"].item() > 0  # it is wrong on the other split


def test_sets_with_only_some_of_the_classes() -> None:
    """`load_predictions` leaves out the logits of the others; temperatures come from a set with all classes."""
    logits, labels = problem()
    temperatures, *_ = tables_of(logits, labels, deployed([0, 1]))
    some = Predictions("some", list("abcd"), [str(row) for row in range(240)], list(logits[:, :, :3]), [0, 1, 2])
    table, _ = calibration_tables(some, labels.clamp(max=2), temperatures, SHARE, SEED, CPU)
    _, rows = split(240, SHARE, SEED)
    [value] = table.filter(members=[3], scaling=MEMBERS)["temperatures"].item()
    logs = log_softmax(logits[3, rows, :3] / value, axis=1)
    found = table.filter(members=[3], scaling=MEMBERS)["nll"].item()
    assert found == pytest.approx(-logs[np.arange(120), labels.clamp(max=2).numpy()[rows]].mean())


def test_a_hundred_members() -> None:
    logits, labels = problem(100, 120)
    greedy = [list(range(size)) for size in range(1, 21)]
    temperatures, table, _ = tables_of(logits, labels, deployed(*greedy))
    assert len(temperatures) == 100 + 2 * 20  # sizes 2 to 20, and all members
    assert len(table) == 100 * 2 + 20 * 2 * 3
    assert predictions_of(logits).members[99] == "member99"
