"""Scores of forecasts, against scikit-learn and plain loops; ties do not depend on the order of the samples."""

import math
from itertools import pairwise, permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from kernels.average_nll import FLOOR
from scripts.lib.calibration.outcomes import Outcomes, curve_of, joined, nll_of_samples, outcomes, scores
from scripts.lib.ensembles.scores import BINS


def problem(samples: int, classes: int = 4, scale: float = 2.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities float64 [N, C] and labels."""
    random = np.random.default_rng([seed, samples, classes])
    logits = scale * random.normal(size=(samples, classes))
    values = np.exp(logits - logits.max(1, keepdims=True))
    return values / values.sum(1, keepdims=True), random.integers(0, classes, samples)


def judged(probabilities: np.ndarray, labels: np.ndarray) -> Outcomes:
    with np.errstate(divide="ignore"):
        logs = torch.from_numpy(np.log(probabilities))
    return outcomes(logs, torch.from_numpy(np.asarray(labels, np.int64)))


def of_confidences(confidence: list[float], correct: list[bool]) -> Outcomes:
    values = np.array(confidence, float)
    with np.errstate(divide="ignore"):
        rest = np.log1p(-values)
    return Outcomes(values, rest, np.array(correct), {"nll": 0.0, "brier": 0.0, "clipped": 0})


@pytest.mark.parametrize("scale", [0.1, 2, 30])
@pytest.mark.parametrize("samples", [1, 15, 301])
def test_proper_scores_are_those_of_scikit_learn(samples: int, scale: float) -> None:
    probabilities, labels = problem(samples, scale=scale)
    found, classes = scores(judged(probabilities, labels)), list(range(4))
    assert found["nll"] == pytest.approx(log_loss(labels, probabilities.clip(FLOOR), labels=classes), rel=1e-10)
    brier = brier_score_loss(labels, probabilities, labels=classes, scale_by_half=False)
    assert found["brier"] == pytest.approx(brier, rel=1e-12, abs=1e-15)
    assert found["accuracy"] == pytest.approx(100 * (probabilities.argmax(1) == labels).mean())
    assert found["mean_confidence"] == pytest.approx(probabilities.max(1).mean())
    assert found["nll_clipped"] == (probabilities[np.arange(samples), labels] < FLOOR).sum()
    assert found["samples"] == samples


def test_a_true_class_without_probability_counts_as_the_floor() -> None:
    found = scores(judged(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([1, 1])))
    assert found["nll"] == pytest.approx((-math.log(FLOOR) + math.log(2)) / 2)
    assert (found["nll_clipped"], found["one_hot"]) == (1, 1)
    assert found["brier"] == 1.25
    assert found["accuracy"] == 0  # of equal probabilities, the lowest class is predicted


def test_the_calibration_error_is_that_of_a_plain_loop() -> None:
    probabilities, labels = problem(400)
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    error = 0.0
    for number in range(BINS):
        inside = (confidence > number / BINS) & (confidence <= (number + 1) / BINS)
        error += abs(correct[inside].sum() - confidence[inside].sum()) / 400
    assert scores(judged(probabilities, labels))["ece"] == pytest.approx(error, abs=1e-14)


def test_the_curve_is_that_of_scikit_learn() -> None:
    probabilities, labels = problem(400)
    found = judged(probabilities, labels)
    accuracy, confidence = calibration_curve(found.correct, found.confidence, n_bins=BINS, strategy="uniform")
    curve = curve_of(found)
    full = curve.filter(curve["samples"] > 0)
    np.testing.assert_allclose(full["accuracy"], 100 * accuracy)
    np.testing.assert_allclose(full["mean_confidence"], confidence)
    assert curve["samples"].sum() == 400
    empty = curve.filter(samples=0).select("mean_confidence", "accuracy")
    assert len(empty) >= 3  # the largest of four probabilities is at least 1/4
    assert empty.null_count().row(0) == (len(empty),) * 2


def test_bins_of_equal_mass_are_those_of_scikit_learn() -> None:
    probabilities, labels = problem(20 * BINS)
    found = judged(probabilities, labels)
    accuracy, confidence = calibration_curve(found.correct, found.confidence, n_bins=BINS, strategy="quantile")
    assert scores(found)["ece_equal_mass"] == pytest.approx(np.abs(accuracy - confidence).mean(), abs=1e-14)


@pytest.mark.parametrize("samples", [1, 7, 15, 16, 100])
def test_bins_of_equal_mass_are_those_of_a_plain_loop(samples: int) -> None:
    found = judged(*problem(samples))
    ranked = sorted(zip(found.confidence, found.correct, strict=True), reverse=True)
    edges = [number * samples // BINS for number in range(BINS + 1)]
    bins = [ranked[first:last] for first, last in pairwise(edges)]
    assert {len(one) for one in bins} <= {samples // BINS, samples // BINS + 1}
    gaps = [abs(sum(correct - confidence for confidence, correct in one)) for one in bins]
    assert scores(found)["ece_equal_mass"] == pytest.approx(sum(gaps) / samples, abs=1e-14)


def area(correct: list[float]) -> float:
    """The mean error rate among the first 1, 2, …, N samples."""
    errors = [1 - right for right in correct]
    return sum(sum(errors[:count]) / count for count in range(1, len(errors) + 1)) / len(errors)


def test_the_area_under_the_risk_coverage_curve_is_that_of_a_plain_loop() -> None:
    found = judged(*problem(200))
    ranked = [right for _, right in sorted(zip(-found.confidence, found.correct, strict=True))]
    assert scores(found)["aurc"] == pytest.approx(area(ranked), rel=1e-12)


def test_overconfident_samples_are_ranked_beyond_the_precision_of_probabilities() -> None:
    """Both have the confidence 1 in float64. A temperature that is common to all samples keeps their order."""
    logits = torch.tensor([[90.0, 0, 0], [45, 0, 0], [3, 0, 0]], dtype=torch.float64)
    labels = torch.tensor([0, 1, 0])
    found = [outcomes((logits / value).log_softmax(1), labels) for value in (1, 30)]
    assert found[0].confidence[0] == found[0].confidence[1] == 1
    assert [scores(each)["aurc"] for each in found] == pytest.approx([area([1, 0, 1])] * 2)


def test_confidences_that_differ_by_rounding_are_equal() -> None:
    """0.05 + 0.15 and 0.1 + 0.1 are the same rest; whichever sum is larger must not decide the order."""
    probabilities = torch.tensor([[0.8, 0.05, 0.15], [0.1, 0.8, 0.1], [0.8, 0.2, 0.0]], dtype=torch.float64)
    found = outcomes(probabilities.log(), torch.tensor([0, 0, 1]))
    assert scores(found)["aurc"] == pytest.approx(2 / 3)


def test_the_area_follows_from_that_of_the_trapezoidal_rule() -> None:
    """torch-uncertainty integrates from n = 1 to N by trapezoids, which count both ends half."""
    found = judged(*problem(200))
    order = np.argsort(-found.confidence)
    rates = np.cumsum(~found.correct[order]) / np.arange(1, 201)
    trapezoids = np.trapezoid(rates, np.arange(1, 201)) / 199
    assert scores(found)["aurc"] == pytest.approx((199 * trapezoids + (rates[0] + rates[-1]) / 2) / 200, rel=1e-12)


@pytest.mark.parametrize("confidence", [[0.5] * 5, [0.9, 0.7, 0.7, 0.7, 0.4], [0.9, 0.9, 0.5, 0.5, 0.5]])
@pytest.mark.parametrize("correct", [[1, 0, 0, 1, 0], [0, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
def test_of_equal_confidences_the_area_is_the_mean_over_all_orders(confidence: list[float], correct: list[int]) -> None:
    areas = [
        area([correct[sample] for sample in order])
        for order in permutations(range(5))
        if all(confidence[a] >= confidence[b] for a, b in pairwise(order))
    ]
    found = scores(of_confidences(confidence, [bool(right) for right in correct]))
    assert found["aurc"] == pytest.approx(sum(areas) / len(areas), rel=1e-12)


def test_the_best_and_the_worst_order() -> None:
    right = [True] * 6 + [False] * 2
    falling = [0.9 - 0.1 * rank for rank in range(8)]
    best, worst = scores(of_confidences(falling, right)), scores(of_confidences(falling, right[::-1]))
    assert best["aurc"] == pytest.approx((1 / 7 + 2 / 8) / 8)
    assert worst["aurc"] == pytest.approx(area([0, 0, 1, 1, 1, 1, 1, 1]))
    assert scores(of_confidences([0.8] * 8, right))["aurc"] == pytest.approx(0.25)  # the error rate


@given(st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.8, 1.0]), st.booleans()), min_size=1, max_size=40))
@settings(max_examples=50, deadline=None)
def test_the_order_of_samples_does_not_matter(samples: list[tuple[float, bool]]) -> None:
    forwards, backwards = (
        scores(of_confidences(*map(list, zip(*listed, strict=True)))) for listed in (samples, samples[::-1])
    )
    for name in ("ece", "ece_equal_mass", "aurc", "accuracy", "mean_confidence"):
        assert forwards[name] == pytest.approx(backwards[name], abs=1e-14)
        assert 0 <= forwards[name] <= (100 if name == "accuracy" else 1)


def test_votes_have_the_calibration_error_of_their_error_rate() -> None:
    found = scores(judged(np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 1])))
    assert (found["ece"], found["ece_equal_mass"], found["aurc"]) == (0.25, 0.25, 0.25)
    assert found["one_hot"] == 4


def test_blocks_are_joined() -> None:
    probabilities, labels = problem(90)
    whole = judged(probabilities, labels)
    blocks = [judged(probabilities[rows], labels[rows]) for rows in (slice(0, 40), slice(40, 41), slice(41, 90))]
    found = joined(blocks)
    np.testing.assert_array_equal(found.confidence, whole.confidence)
    np.testing.assert_array_equal(found.correct, whole.correct)
    assert found.sums == pytest.approx(whole.sums, rel=1e-12)


def test_the_change_of_the_nll_is_paired() -> None:
    logs = [torch.from_numpy(np.log(problem(50, scale=scale)[0])) for scale in (3.0, 1.0)]
    labels = torch.from_numpy(problem(50)[1])
    before, after = (nll_of_samples(values, labels).numpy() for values in logs)
    found = scores(outcomes(logs[1], labels, unscaled=nll_of_samples(logs[0], labels)))
    change = after - before
    half = 1.959963984540054 * change.std(ddof=1) / math.sqrt(50)
    expected = (change.mean(), change.mean() - half, change.mean() + half)
    assert tuple(found[f"nll_change{end}"] for end in ("", "_low", "_high")) == pytest.approx(expected, rel=1e-10)
    plain = scores(outcomes(logs[0], labels))
    assert [plain[f"nll_change{end}"] for end in ("", "_low", "_high")] == [None] * 3


def test_one_sample_has_no_interval() -> None:
    logs, labels = torch.log(torch.tensor([[0.7, 0.3]], dtype=torch.float64)), torch.tensor([0])
    found = scores(outcomes(logs, labels, unscaled=torch.zeros(1, dtype=torch.float64)))
    assert found["nll_change"] == pytest.approx(-math.log(0.7))
    assert (found["nll_change_low"], found["nll_change_high"]) == (None, None)
    assert found["ambiguity"] is None
