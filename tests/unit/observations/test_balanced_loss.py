"""Observation 3 on groups whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from scripts.lib.observations.balanced_loss import balanced_ways, verdict
from scripts.lib.observations.claims import OVER_ENSEMBLE_ONLY, OVER_INDEPENDENT
from scripts.lib.observations.groups_of_study import Way
from scripts.lib.observations.verdict import Verdict
from tests.unit.observations.synthetic_groups import ENSEMBLES, a_way, results

WEIGHTS = (0.0, 0.25, 0.5, 1.0)


def ladder(seeds: int = 5) -> list[Way]:
    return [
        a_way("joint" if weight else "independent", {"joint": weight} if weight else {}, seeds) for weight in WEIGHTS
    ]


def decided(accuracies: tuple[float, ...], noise: float = 0.3, seed: int = 0, seeds: int = 5) -> Verdict:
    ways = ladder(seeds)
    values = [(way, {ENSEMBLES: accuracy}) for way, accuracy in zip(ways, accuracies, strict=True)]
    return verdict(ways, results(values, noise, seed), ENSEMBLES)


def test_a_balance_that_is_better_than_both_ends() -> None:
    found = decided((70, 72, 75, 70))
    assert found.verdict == "supported"
    assert found.deciding.value == pytest.approx(5, abs=0.6)
    assert {found.deciding.statistic, found.others[0].statistic} == {OVER_INDEPENDENT, OVER_ENSEMBLE_ONLY}
    assert (found.members, found.seeds) == (80, 5)


def test_a_balance_that_is_worse_than_an_end() -> None:
    assert decided((75, 72, 70, 60)).verdict == "contradicted"
    assert decided((60, 72, 70, 75)).verdict == "contradicted"


def test_no_difference_is_rarely_called_one() -> None:
    """The weight is chosen on other seeds and other images, so the best of several does not win by choice."""
    found = [decided((70, 70, 70, 70), noise=2, seed=seed) for seed in range(200)]
    verdicts = [each.verdict for each in found]
    assert verdicts.count("supported") <= 4  # both intervals above 0: less than 2.5 %
    assert verdicts.count("contradicted") <= 18  # one of two below 0: about 5 %
    values = np.array([[each.value for each in (one.deciding, one.others[0])] for one in found])
    assert abs(values.mean()) < 3 * values.mean(1).std() / np.sqrt(len(found))


def test_what_is_missing_is_named() -> None:
    ways = ladder()
    values = [(way, {ENSEMBLES: 70.0}) for way in ways]
    assert "weights 0 (no loss) and 1" in verdict(ways[:3], results(values), ENSEMBLES).reason
    assert "5 seeds that all weights have in common, and there are 4" in decided((70, 70, 70, 70), seeds=4).reason
    assert verdict([], results([]), ENSEMBLES).verdict == "undecided"
    few = [way if way.loss.get("joint") in (None, 1) else replace(way, groups={0: "a", 1: "b"}) for way in ways]
    reason = verdict(few, results([(way, {ENSEMBLES: 70.0}) for way in few]), ENSEMBLES).reason
    assert "5 seeds that all weights have in common, and there are 2" in reason


def test_a_weight_with_other_seeds_does_not_cost_the_verdict() -> None:
    """The ends have ten seeds, a quarter has the first five and a half the last six: the half stays."""
    joint = [{"joint": weight} if weight else {} for weight in (0.0, 0.25, 0.5, 1.0)]
    seeds = [range(10), range(5), range(4, 10), range(10)]
    ways = [
        replace(a_way("w", loss), groups={seed: f"w-{seed}" for seed in some})
        for loss, some in zip(joint, seeds, strict=True)
    ]
    assert balanced_ways(ways) == [ways[0], ways[2], ways[3]]


def test_only_weights_of_the_same_networks_are_compared() -> None:
    others = [a_way("other", {"joint": weight} if weight else {}, architectures=("b",) * 4) for weight in (0.0, 1.0)]
    mixed = a_way("mixed", {"joint": 0.5, "ncl": 1})
    assert balanced_ways([*others, mixed, *ladder()]) == ladder()
