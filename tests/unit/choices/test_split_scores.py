"""Losses of weighted averages against the definitions, in float64 on all classes."""

import numpy as np
import pytest

from scripts.lib.choices.names import METRICS
from scripts.lib.choices.split_scores import over_sets, split_scores
from tests.unit.choices.problem import CPU, problem

KINDS = ["random", "ties", "extreme", "equal", "always right"]


def definitions(probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    mixed = np.einsum("m,mnc->nc", weights, probabilities)
    rows = np.arange(len(labels))
    target = np.eye(mixed.shape[1])[labels]
    return {
        "accuracy": 1 - float((mixed.argmax(1) == labels).mean()),
        "nll": float(-np.log(np.maximum(mixed[rows, labels], 1e-12)).mean()),
        "brier": float(((mixed - target) ** 2).sum(1).mean()),
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(5, 120, 4), (1, 1, 1), (3, 50, 30), (2, 7, 2)])
def test_losses_equal_their_definitions(kind: str, shape: tuple[int, int, int]) -> None:
    predictions, labels, probabilities = problem(*shape, kind=kind)
    rows = np.arange(0, shape[1], 2)
    scores = split_scores(predictions, labels, rows, CPU)
    assert scores.samples == len(rows)
    random = np.random.default_rng(1)
    for weights in (np.eye(shape[0])[0], np.full(shape[0], 1 / shape[0]), *random.dirichlet(np.ones(shape[0]), 5)):
        expected = definitions(probabilities[:, rows], labels.numpy()[rows], weights)
        for metric in METRICS:
            assert scores.loss(metric, weights) == pytest.approx(expected[metric], abs=1e-9), metric


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", METRICS)
def test_additions_are_the_losses_with_one_more_pick(kind: str, metric: str) -> None:
    predictions, labels, _ = problem(kind=kind)
    scores = split_scores(predictions, labels, np.arange(120), CPU)
    for counts in (np.zeros(5, np.int64), np.array([0, 3, 0, 1, 2])):
        after = scores.additions(metric, counts)
        for member in range(5):
            picks = counts + (np.arange(5) == member)
            assert after[member] == pytest.approx(scores.loss(metric, picks / picks.sum()), abs=1e-12)


def test_blocks_of_samples_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    predictions, labels, _ = problem(kind="ties")
    whole = split_scores(predictions, labels, np.arange(120), CPU)
    monkeypatch.setattr("scripts.lib.jobs.shards.BLOCK_BYTES", 8 * 5 * 4 * 16)
    parts = split_scores(predictions, labels, np.arange(120), CPU)
    for name in ("true", "leads", "starts", "contested", "ties"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    np.testing.assert_allclose(parts.gram, whole.gram, rtol=1e-13)


def test_temperatures_divide_the_logits() -> None:
    predictions, labels, _ = problem()
    temperatures = [0.5, 1, 2, 3, 10]
    scores = split_scores(predictions, labels, np.arange(120), CPU, temperatures)
    powers = np.stack([np.exp(v.astype(float) / t) for v, t in zip(predictions.logits, temperatures, strict=True)])
    probabilities = powers / powers.sum(2, keepdims=True)
    weights = np.full(5, 0.2)
    expected = definitions(probabilities, labels.numpy(), weights)
    assert {metric: scores.loss(metric, weights) for metric in METRICS} == pytest.approx(expected)


def test_losses_of_several_sets_are_averaged_or_the_largest_is_taken() -> None:
    losses = [np.array([1.0, 5.0]), np.array([3.0, 2.0])]
    assert over_sets("mean", losses).tolist() == [2, 3.5]
    assert over_sets("worst", losses).tolist() == [3, 5]
