"""Proper scores and calibration: against plain loops and scikit-learn, and the identities that they must fulfil."""

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from kernels.average_nll import FLOOR
from scripts.lib.ensembles.counting import Question, count_samples
from scripts.lib.ensembles.counts import load_tallies, save_tallies
from scripts.lib.ensembles.scores import BINS
from scripts.lib.ensembles.tables import accuracies_table, ensembles_table
from scripts.lib.inference.predictions import Predictions
from scripts.lib.jobs.shards import shard
from tests.unit.conftest import counted, subsets

CPU = torch.device("cpu")


def problem(members: int, samples: int, classes: int = 4, scale: float = 2, seed: int = 0) -> Predictions:
    """Logits float32 of members that share half of their error; the true class is that of the sample's number."""
    random = np.random.default_rng([seed, members, samples])
    logits = random.normal(size=(members, samples, classes)) + random.normal(size=(samples, classes))
    logits[:, np.arange(samples), labels_of(samples, classes)] += 1
    names = [f"member{number}" for number in range(members)]
    ids = [str(row) for row in range(samples)]
    return Predictions("clean", names, ids, list((scale * logits).astype(np.float32)))


def labels_of(samples: int, classes: int = 4) -> np.ndarray:
    return np.arange(samples) % classes


def tables_of(
    predictions: Predictions, chosen: np.ndarray, baseline: int | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The tables of ensembles by averaging and of members."""
    samples, classes = predictions.logits[0].shape
    labels = torch.from_numpy(labels_of(samples, classes))
    even, odd = counted(predictions.logits, labels, chosen).halves
    table = ensembles_table(even + odd, chosen, {}, baseline)
    return table.filter(consensus="average"), accuracies_table("clean", predictions.members, (even, odd))


def softmax(logits: np.ndarray) -> np.ndarray:
    values = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return values / values.sum(-1, keepdims=True)


def plain_scores(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, float, int]:
    """NLL, Brier score and number of clipped samples of probabilities float64 [N, C], sample by sample."""
    true = [float(row[label]) for row, label in zip(probabilities, labels, strict=True)]
    nll = math.fsum(-math.log(max(value, FLOOR)) for value in true) / len(true)
    squares = ((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).ravel()
    return nll, math.fsum(squares) / len(true), sum(value < FLOOR for value in true)


@pytest.mark.parametrize(("members", "sizes"), [(1, [1]), (2, "all"), (5, [1, 2, 5]), (6, "all"), (30, "all")])
@pytest.mark.parametrize("samples", [1, 130])
@pytest.mark.parametrize("scale", [1, 30])
def test_scores_are_those_of_a_plain_loop(members: int, sizes: str | list[int], samples: int, scale: float) -> None:
    predictions, chosen, labels = problem(members, samples, scale=scale), subsets(members, sizes), labels_of(samples)
    table, alone = tables_of(predictions, chosen, baseline=members - 1)
    probabilities = softmax(np.stack(predictions.logits))
    single = [plain_scores(member, labels) for member in probabilities]
    for position, row in enumerate(alone.iter_rows(named=True)):
        assert (row["nll"], row["brier"]) == pytest.approx(single[position][:2], rel=1e-12, abs=1e-14)
        assert row["nll_clipped"] == single[position][2]
    for row in table.iter_rows(named=True):
        nll, brier, clipped = plain_scores(probabilities[row["members"]].mean(0), labels)
        assert row["nll_clipped"] == clipped
        for column, value, place in (("nll", nll, 0), ("brier", brier, 1)):
            of_members = [single[member][place] for member in row["members"]]
            assert row[column] == pytest.approx(value, rel=1e-12, abs=1e-14)
            over = {"mean": np.mean(of_members), "best": min(of_members), "baseline": single[-1][place]}
            for name, reference in over.items():
                found = row[f"{column}_improvement_over_{name}"]
                assert found == pytest.approx(reference - value, rel=1e-10, abs=1e-13)


def test_the_nll_of_a_member_is_that_of_scikit_learn() -> None:
    predictions = problem(3, 200)
    _, alone = tables_of(predictions, subsets(3, "all"))
    for logits, nll in zip(predictions.logits, alone["nll"], strict=True):
        assert nll == pytest.approx(log_loss(labels_of(200), softmax(logits)), rel=1e-12)


def plain_calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """As Guo et al. 2017 define it: bins (low, high], and the mean gap of a bin weighted by its share of samples."""
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    error = 0.0
    for number in range(BINS):
        inside = (confidence > number / BINS) & (confidence <= (number + 1) / BINS)
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return error


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("scale", [0, 0.1, 2, 50])
def test_the_calibration_error_is_that_of_a_plain_loop(classes: int, scale: float) -> None:
    predictions = problem(4, 300, classes, scale)
    _, alone = tables_of(predictions, subsets(4, "all"))
    for logits, found in zip(predictions.logits, alone["ece"], strict=True):
        assert found == pytest.approx(plain_calibration_error(softmax(logits), labels_of(300, classes)), abs=1e-13)


@pytest.mark.parametrize("classes", [1, 3, 5, 15])
def test_a_confidence_at_the_end_of_a_bin_belongs_to_this_bin(classes: int) -> None:
    """Equal logits have the confidence 1 / C, the upper end of a bin where C divides 15.

    The member is right with this confidence and wrong with slightly more: in one bin, the two gaps would cancel.
    """
    logits = np.zeros((2, classes), np.float32)
    logits[1, 0] = 0.01 if classes > 1 else 0  # the second sample, of class 1, is predicted to be of class 0
    _, alone = tables_of(Predictions("clean", ["a"], ["0", "1"], [logits]), np.ones((1, 1), bool))
    more = softmax(logits)[1, 0]
    expected = ((1 - 1 / classes) + more) / 2 if classes > 1 else 0
    assert alone["ece"].item() == pytest.approx(expected, abs=1e-14)


def test_scores_come_from_a_softmax_that_is_not_rounded_to_float32() -> None:
    """With logits 20 and 0, the probability is 1 in float32; its NLL is 2e-9 and not 0."""
    logits = np.array([[20, 0], [0, 20]], np.float32)
    predictions = Predictions("clean", ["a", "b"], ["0", "1"], [logits, logits])
    table, alone = tables_of(predictions, subsets(2, "all"))
    assert alone["nll"].to_list() == pytest.approx([math.log1p(math.exp(-20))] * 2, rel=1e-6)
    assert table["nll"].item() == pytest.approx(math.log1p(math.exp(-20)), rel=1e-6)
    assert alone["one_hot"].to_list() == [2, 2]


def test_extreme_logits_are_clipped_and_counted() -> None:
    logits = np.array([[1e4, 0], [1e4, 0]], np.float32)  # right on the first sample, wrong on the second
    other = np.array([[0, 0], [0, 0]], np.float32)
    table, alone = tables_of(Predictions("clean", ["a", "b"], ["0", "1"], [logits, other]), subsets(2, [1, 2]))
    assert alone["nll_clipped"].to_list() == [1, 0]
    assert alone["nll"].to_list() == pytest.approx([-math.log(FLOOR) / 2, math.log(2)])
    assert alone["brier"].to_list() == [1, 0.5]
    assert alone["one_hot"].to_list() == [2, 0]
    assert table["nll_clipped"].to_list() == [1, 0, 0]
    assert table["nll"][2] == pytest.approx(-(math.log(0.75) + math.log(0.25)) / 2)


def test_votes_in_a_file_are_one_hot_and_their_brier_score_is_twice_the_error_rate() -> None:
    votes = np.log(np.maximum(np.eye(3)[[0, 1, 1, 0]], 1e-30)).astype(np.float32)
    predictions = Predictions("clean", ["votes", "less sure"], list("abcd"), [votes, votes / 10])
    _, alone = tables_of(predictions, subsets(2, "all"))
    assert alone["one_hot"].to_list() == [4, 0]
    assert alone["accuracy"][0] == 75  # the labels are 0, 1, 2 and 0
    assert alone["brier"][0] == pytest.approx(2 * 0.25)


def test_consensus_without_probabilities_has_no_scores() -> None:
    predictions, chosen = problem(3, 20), subsets(3, "all")
    labels = torch.from_numpy(labels_of(20))
    question = Question(chosen, ["vote", "average"])
    even, odd = count_samples(predictions, labels, range(20), question, CPU).halves
    table = ensembles_table(even + odd, chosen, {}, 0)
    columns = [name for name in table.columns if name.startswith(("nll", "brier"))]
    assert len(columns) == 9
    assert table.filter(consensus="vote").select(columns).null_count().row(0) == (len(chosen),) * 9
    assert table.filter(consensus="average").select(columns).null_count().row(0) == (0,) * 9
    assert table.schema["nll_clipped"] == pl.Int64


@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_identities_of_proper_scores(members: int, samples: int, seed: int) -> None:
    """The Brier score improves on the mean member by the ambiguity; the NLL never gets worse than the mean member's."""
    predictions, chosen = (
        problem(members, samples, scale=1 + seed % 5, seed=seed),
        subsets(members, list(range(1, members + 1))),
    )
    table, _ = tables_of(predictions, chosen, baseline=0)
    probabilities = softmax(np.stack(predictions.logits))
    for row in table.iter_rows(named=True):
        own = probabilities[row["members"]]
        ambiguity = ((own - own.mean(0)) ** 2).sum(2).mean()
        assert row["brier_improvement_over_mean"] == pytest.approx(ambiguity, rel=1e-10, abs=1e-14)
        assert row["nll_improvement_over_mean"] >= -1e-13
        assert row["nll_improvement_over_best"] <= row["nll_improvement_over_mean"] + 1e-15
    of_one = table.filter(size=1)
    for name in ("nll", "brier"):
        assert set(of_one[f"{name}_improvement_over_mean"]) == {0}
        assert set(of_one[f"{name}_improvement_over_best"]) == {0}
        assert of_one[f"{name}_improvement_over_baseline"][0] == 0


def test_equal_members_gain_nothing() -> None:
    [logits] = problem(1, 90).logits
    predictions = Predictions("clean", list("abcde"), [str(row) for row in range(90)], [logits] * 5)
    table, _ = tables_of(predictions, subsets(5, "all"), baseline=0)
    columns = [name for name in table.columns if "improvement" in name and not name.startswith("error")]
    np.testing.assert_allclose(table.select(columns).to_numpy(), 0, atol=1e-14)


def test_improvements_of_scores_are_no_improvements_of_accuracy() -> None:
    """`statistics.correlations` finds the latter by the beginning of their names."""
    table, _ = tables_of(problem(3, 20), subsets(3, "all"), baseline=0)
    found = [name for name in table.columns if name.startswith("improvement_")]
    assert found == ["improvement_over_mean", "improvement_over_best", "improvement_over_baseline"]


@pytest.mark.parametrize("scale", [1, 40])
def test_a_divided_study_has_the_same_scores(scale: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within 1e-12, as docs/contracts.md says; blocks and shards of samples, one of them empty."""
    predictions, chosen, labels = problem(6, 1500, scale=scale), subsets(6, "all"), torch.from_numpy(labels_of(1500))
    whole = tables_of(predictions, chosen, 0)
    monkeypatch.setattr("scripts.lib.jobs.shards.BLOCK_BYTES", 1)
    files = [[str(tmp_path / f"{part}.{kind}") for part in range(7)] for kind in ("npy", "parquet", "scores.parquet")]
    for part, paths in enumerate(zip(*files, strict=True)):
        rows = shard(1500, part, 7)
        question = Question(chosen, ["average"])
        save_tallies(*paths, count_samples(predictions, labels, rows, question, CPU).halves)
    even, odd = load_tallies(*files)
    divided = ensembles_table(even + odd, chosen, {}, 0), accuracies_table("clean", predictions.members, (even, odd))
    for one, other in zip(whole, divided, strict=True):
        assert one.schema == other.schema
        sums = ("nll_i", "nll_even", "nll_odd", "confidence_", "brier", "ece")
        exact = [name for name in one.columns if not name.startswith(sums) and name != "nll"]
        assert one.select(exact).equals(other.select(exact))
        for name in set(one.columns) - set(exact):
            np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-12, err_msg=name)


def test_scores_do_not_depend_on_the_number_of_threads() -> None:
    predictions, chosen = problem(8, 2000), subsets(8, "all")
    once = tables_of(predictions, chosen)
    torch.set_num_threads(2)
    try:
        again = tables_of(predictions, chosen)
    finally:
        torch.set_num_threads(1)
    columns = ["nll", "nll_clipped"]
    assert once[0].select(columns).equals(again[0].select(columns))
