"""Stacking weights: the smallest negative log-likelihood over all weights that are not negative and sum to 1."""

import numpy as np
import pytest

from scripts.lib.choices.stacking import optimality_gap, stacking_weights
from tests.unit.choices.problem import scored


def nll(weights: np.ndarray, true: np.ndarray) -> float:
    return float(-np.log(weights @ np.maximum(true, 1e-12)).mean())


def test_two_members_against_every_weight_of_a_grid() -> None:
    true = np.random.default_rng(0).random((2, 300)) ** 2
    weights = stacking_weights(true)
    grid = np.linspace(0, 1, 1001)
    losses = np.array([nll(np.array([a, 1 - a]), true) for a in grid])
    best = grid[losses.argmin()]
    assert weights[0] == pytest.approx(best, abs=2e-3)
    assert nll(weights, true) <= losses.min() + 1e-9


@pytest.mark.parametrize("members", [1, 3, 20, 100])
@pytest.mark.parametrize("kind", ["random", "extreme", "equal"])
def test_the_solution_is_optimal_and_no_worse_than_many_iterations_of_expectation_maximisation(
    members: int, kind: str
) -> None:
    true = np.maximum(scored(members=members, samples=200, kind=kind).true, 1e-12)
    weights = stacking_weights(true)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert optimality_gap(weights, true) < 1e-6
    other = np.full(members, 1 / members)
    for _ in range(3000):
        other = other * (true @ (1 / (other @ true))) / true.shape[1]
    assert nll(weights, true) <= nll(other, true) + 1e-6
    assert nll(weights, true) <= min(nll(row, true) for row in np.eye(members)) + 1e-9


def test_a_member_that_gives_the_true_class_nothing_gets_no_weight_and_zeros_are_no_error() -> None:
    true = np.vstack([np.full(50, 0.7), np.zeros(50)])
    assert stacking_weights(true).tolist() == [1, 0]
    assert stacking_weights(np.zeros((3, 10))).sum() == pytest.approx(1)


def test_members_that_know_different_samples_share_the_weight() -> None:
    true = np.where(np.arange(100) < 25, [[0.9], [0.001]], [[0.001], [0.9]])
    assert stacking_weights(true)[0] == pytest.approx(0.25, abs=0.01)
