"""Stacking weights: the smallest negative log-likelihood over all weights that are not negative and sum to 1."""

import numpy as np
import pytest
from scipy.optimize import minimize

from scripts.lib.choices.stacking import optimality_gap, stacking_weights
from tests.unit.choices.problem import scored


def nll(weights: np.ndarray, true: np.ndarray) -> float:
    return float(-np.log(weights @ np.maximum(true, 1e-12)).mean())


def test_two_members_against_every_weight_of_a_grid() -> None:
    true = np.random.default_rng(0).random((2, 300)) ** 2
    weights = stacking_weights([true])
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
    weights = stacking_weights([true])
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert optimality_gap(weights, [true]) < 1e-6
    other = np.full(members, 1 / members)
    for _ in range(3000):
        other = other * (true @ (1 / (other @ true))) / true.shape[1]
    assert nll(weights, true) <= nll(other, true) + 1e-6
    assert nll(weights, true) <= min(nll(row, true) for row in np.eye(members)) + 1e-9


def test_a_member_that_gives_the_true_class_nothing_gets_no_weight_and_zeros_are_no_error() -> None:
    true = np.vstack([np.full(50, 0.7), np.zeros(50)])
    assert stacking_weights([true]).tolist() == [1, 0]
    assert stacking_weights([np.zeros((3, 10))]).sum() == pytest.approx(1)


def test_members_that_know_different_samples_share_the_weight() -> None:
    true = np.where(np.arange(100) < 25, [[0.9], [0.001]], [[0.001], [0.9]])
    assert stacking_weights([true])[0] == pytest.approx(0.25, abs=0.01)


def three_sets(members: int = 4) -> list[np.ndarray]:
    """Sets of different sizes, each of which is best predicted by other members than the others."""
    generator, found = np.random.default_rng(1), []
    for number, (samples, power) in enumerate(((300, 2), (200, 2.2), (50, 1.8))):
        knows = np.arange(members)[:, None] % 3 == number
        found.append(generator.random((members, samples)) ** np.where(knows, 0.3, power))
    return [np.maximum(true, 1e-12) for true in found]


def nlls(weights: np.ndarray, sets: list[np.ndarray]) -> np.ndarray:
    return np.array([nll(weights, true) for true in sets])


def weights_of_a_grid(members: int, steps: int) -> np.ndarray:
    """All weights that are multiples of 1 / steps."""
    rows = np.array([row for row in np.ndindex(*[steps + 1] * (members - 1)) if sum(row) <= steps])
    return np.column_stack([rows, steps - rows.sum(1)]) / steps


@pytest.mark.parametrize("worst", [False, True])
def test_several_sets_against_every_weight_of_a_grid(worst: bool) -> None:
    sets = three_sets(members=3)
    losses = np.array([nlls(row, sets) for row in weights_of_a_grid(3, 60)])
    best = (losses.max(1) if worst else losses.mean(1)).min()
    found = nlls(stacking_weights(sets, worst), sets)
    assert (found.max() if worst else found.mean()) <= best + 1e-6


def test_the_mean_over_sets_counts_every_set_alike_however_many_samples_it_has() -> None:
    sets = three_sets()
    repeated = [np.tile(sets[0], 5), *sets[1:]]
    np.testing.assert_allclose(stacking_weights(repeated), stacking_weights(sets), atol=1e-4)


def test_the_largest_loss_is_as_small_as_a_general_solver_makes_it() -> None:
    """Sequential quadratic programming over the weights and a bound of all losses."""
    sets = three_sets(members=5)

    def slack(point: np.ndarray) -> np.ndarray:
        return point[-1] - nlls(np.maximum(point[:-1], 1e-9), sets)

    constraints = [{"type": "ineq", "fun": slack}, {"type": "eq", "fun": lambda point: point[:-1].sum() - 1}]
    start = np.append(np.full(5, 0.2), 10.0)
    reference = minimize(
        lambda point: point[-1], start, bounds=[(0, 1)] * 5 + [(0, None)], constraints=constraints, method="SLSQP",
        options={"ftol": 1e-8, "maxiter": 1000},
    )  # fmt: skip
    found = nlls(stacking_weights(sets, worst=True), sets).max()
    assert reference.success
    assert np.sort(nlls(reference.x[:-1], sets))[-2] == pytest.approx(reference.fun, abs=1e-4), "two are the largest"
    assert found == pytest.approx(reference.fun, abs=1e-4)


@pytest.mark.parametrize("members", [1, 2, 30])
def test_the_bound_of_the_largest_loss_is_small_and_true(members: int, caplog: pytest.LogCaptureFixture) -> None:
    sets = three_sets(members)
    weights = stacking_weights(sets, worst=True)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert "may be" not in caplog.text
    assert nlls(weights, sets).max() <= nlls(stacking_weights(sets), sets).max() + 1e-6
    equal, shares = np.full(members, 1 / members), np.array([0.2, 0.5, 0.3])
    bound = nlls(equal, sets).max() - optimality_gap(equal, sets, shares)
    assert bound <= nlls(weights, sets).max() + 1e-9
