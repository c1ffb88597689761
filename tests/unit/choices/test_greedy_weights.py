"""Greedy selection with replacement, against a published trajectory and a plain loop."""

import numpy as np
import pytest

from scripts.lib.choices.greedy_weights import GreedySettings, best_prefix, greedy_picks, greedy_weights
from scripts.lib.choices.names import METRICS
from tests.unit.choices.problem import scored

# auto-sklearn, test/test_ensemble_builder/test_ensemble_selection.py: the errors after each of ten picks.
PUBLISHED = [3.462297, 2.679202, 2.274863, 2.065717, 1.787456, 1.698345, 1.559451, 1.531633, 1.380195, 1.355498]


def root_mean_squares(counts: np.ndarray) -> np.ndarray:
    """The problem of auto-sklearn's test: 19 predictions of 5.5, each off in its own way."""
    predictions = np.repeat(np.arange(1.0, 20)[:, None], 100, axis=1)
    for row, number in enumerate(range(1, 20)):
        predictions[row, 5 * number : 5 * (number + 1)] = 5.5 * number
    mixed = (counts @ predictions + predictions) / (counts.sum() + 1)
    found: np.ndarray = np.sqrt(((mixed - 5.5) ** 2).mean(1))
    return found


def test_the_published_trajectory_of_auto_sklearn() -> None:
    _, losses = greedy_picks(root_mean_squares, 19, range(19), 10, start=0)
    assert losses == pytest.approx(PUBLISHED, abs=1e-6)
    assert best_prefix(losses) == 10
    weights = greedy_weights(root_mean_squares, 19, GreedySettings(picks=10, start=0), seed=0)
    assert weights.tolist() == pytest.approx([0.1, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, *[0] * 11])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", ["random", "ties", "equal", "extreme"])
def test_each_pick_is_the_best_of_all_and_the_best_prefix_is_taken(metric: str, kind: str) -> None:
    scores = scored(kind=kind)
    picked, losses = greedy_picks(lambda counts: scores.additions(metric, counts), 5, range(5), 12, start=0)
    counts = np.zeros(5, np.int64)
    for member, loss in zip(picked, losses, strict=True):
        after = [scores.loss(metric, (counts + row) / (counts.sum() + 1)) for row in np.eye(5, dtype=int)]
        assert loss == pytest.approx(min(after), abs=1e-12)
        assert after[member] == pytest.approx(min(after), abs=1e-12)
        counts[member] += 1
    settings = GreedySettings(picks=12, start=0)
    weights = greedy_weights(lambda counts: scores.additions(metric, counts), 5, settings, 0)
    assert weights.sum() == pytest.approx(1)
    assert scores.loss(metric, weights) == pytest.approx(min(losses), abs=1e-12)
    alone = [scores.loss(metric, row) for row in np.eye(5)]
    assert scores.loss(metric, weights) <= min(alone) + 1e-12


def test_the_first_picks_are_the_best_single_members() -> None:
    losses = np.array([0.4, 0.1, 0.3, 0.1])
    picked, _ = greedy_picks(lambda counts: losses + counts, 4, range(4), 6, start=3)
    assert picked[:3] == [1, 3, 2], "of equals the first in the study"
    picked, _ = greedy_picks(lambda counts: losses + counts, 4, [0, 2], 3, start=5)
    assert picked == [2, 0, 2], "a bag of two members, then the best addition"


def test_bags_are_those_of_the_seed_and_their_weights_are_averaged() -> None:
    scores = scored(members=8)

    def weights(seed: int, bags: int) -> np.ndarray:
        settings = GreedySettings(picks=10, start=1, bags=bags, bag_share=0.5)
        return greedy_weights(lambda counts: scores.additions("nll", counts), 8, settings, seed)

    np.testing.assert_array_equal(weights(1, 7), weights(1, 7))
    assert not np.array_equal(weights(1, 7), weights(2, 7))
    assert weights(1, 7).sum() == pytest.approx(1)
    assert (weights(1, 7) > 0).sum() > 4, "members of several bags"


def test_one_member_gets_all_weight() -> None:
    for bags in (1, 3):
        assert greedy_weights(lambda counts: np.zeros(1), 1, GreedySettings(bags=bags), 0).tolist() == [1]


def test_of_equally_good_prefixes_the_shortest_is_taken() -> None:
    assert best_prefix([0.3, 0.2, 0.2, 0.4]) == 2
