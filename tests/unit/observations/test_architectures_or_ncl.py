"""Observation 4 on groups whose truth is known."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from scripts.lib.ensembles.group_quantities import MEMBER_ACCURACY
from scripts.lib.observations.architectures_or_ncl import verdict
from scripts.lib.observations.verdict import Verdict
from tests.unit.observations.synthetic_groups import DIVERSITIES, Values, a_way, results

DIFFERENT = a_way("architectures", {}, architectures=("a", "b", "c", "d"))
WEAK, STRONG = a_way("ncl", {"ncl": 0.5}), a_way("ncl", {"ncl": 2.0})
ACTIVATION = a_way("activation", {"activation": 1.0})


def measured(accuracy: float, *diversities: float) -> Mapping[str, float]:
    return {MEMBER_ACCURACY: accuracy} | dict(zip(DIVERSITIES, diversities, strict=True))


def decided(values: Values, noise: float = 0.005) -> Verdict:
    return verdict([way for way, _ in values], results(values, noise))


ARCHITECTURES = (DIFFERENT, measured(75.0, 0.30, 0.40, 0.50))


def test_architectures_that_differ_more_on_all_axes() -> None:
    found = decided(
        [ARCHITECTURES, (WEAK, measured(75.2, 0.2, 0.3, 0.4)), (ACTIVATION, measured(74.9, 0.1, 0.2, 0.45))]
    )
    assert found.verdict == "supported"
    assert found.deciding.value == pytest.approx(0.05, abs=0.02)  # activations: the closest one
    assert found.deciding.statistic == "difference_in_diversity_of_activations"
    assert found.seeds == 5


def test_one_axis_on_which_a_penalty_gives_more() -> None:
    found = decided([ARCHITECTURES, (WEAK, measured(75.2, 0.2, 0.3, 0.4)), (ACTIVATION, measured(74.9, 0.1, 0.2, 0.8))])
    assert found.verdict == "contradicted"
    assert found.deciding.value == pytest.approx(-0.3, abs=0.02)


def test_penalties_that_cost_accuracy_do_not_count() -> None:
    found = decided([ARCHITECTURES, (WEAK, measured(75.2, 0.2, 0.3, 0.4)), (STRONG, measured(60.0, 0.9, 0.9, 0.9))])
    assert found.verdict == "supported"
    alone = decided([ARCHITECTURES, (STRONG, measured(60.0, 0.9, 0.9, 0.9))])
    assert alone.verdict == "undecided"
    assert "no penalty leaves its members as accurate" in alone.reason


def test_what_is_missing_is_named() -> None:
    rival = measured(75.2, 0.2, 0.3, 0.4)
    assert "no group of different architecture families" in decided([(WEAK, rival)]).reason
    assert "no group of different architecture families" in decided([]).reason
    assert "5 seeds" in decided([ARCHITECTURES]).reason
    expensive = a_way("ncl", {"ncl": 0.5}, macs=120.0)
    assert "at equal cost" in decided([ARCHITECTURES, (expensive, rival)]).reason
    few = a_way("ncl", {"ncl": 0.5}, seeds=4)
    assert "5 seeds" in decided([ARCHITECTURES, (few, rival)]).reason
    without = [(way, {MEMBER_ACCURACY: 75.0, "disagreement": 0.1}) for way in (DIFFERENT, WEAK)]
    assert "measures no diversity of attributions, activations" in decided(without).reason


def test_penalties_without_common_seeds_are_undecided_in_any_order() -> None:
    """One says "supported" and the other "contradicted": neither may be left out because of its place in the file."""
    different = (replace(DIFFERENT, groups=seeds("architectures", range(10))), ARCHITECTURES[1])
    weak = (replace(WEAK, groups=seeds("weak", range(5))), measured(75.2, 0.2, 0.3, 0.4))
    strong = (replace(STRONG, groups=seeds("strong", range(5, 10))), measured(75.2, 0.5, 0.6, 0.7))
    for values in ([different, weak, strong], [different, strong, weak]):
        found = decided(values)
        assert (found.verdict, "have in common, for all weights" in found.reason) == ("undecided", True)
    assert decided([different, weak]).verdict == "supported"
    assert decided([different, strong]).verdict == "contradicted"


def seeds(name: str, numbers: range) -> dict[int, str]:
    return {seed: f"{name}-{seed}" for seed in numbers}


def test_the_balanced_loss_is_no_penalty() -> None:
    balanced = a_way("joint", {"joint": 0.5})
    found = decided([ARCHITECTURES, (WEAK, measured(75.2, 0.2, 0.3, 0.4)), (balanced, measured(75, 0.9, 0.9, 0.9))])
    assert found.verdict == "supported"
