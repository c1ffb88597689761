"""Effects of extreme values and of very many members."""

from dataclasses import replace

import numpy as np
import pytest

from scripts.lib.statistics import semi_partial
from tests.unit.statistics.test_effects import NUMBERS, effect, plain_effect, study, table_of


def test_extreme_values_keep_their_effect() -> None:
    """Diversities in other units, and far from 0; accuracies that are nearly equal."""
    evidence, chosen = study(seed=9, members=7)
    found = effect(evidence, chosen)
    for factor, shift in ((1e-6, 0.0), (1e6, 0.0), (1.0, 1e4)):
        moved = {name: factor * matrix + shift for name, matrix in evidence.diversities.items()}
        other = effect(replace(evidence, diversities=moved), chosen)
        for name in NUMBERS:
            assert other[name] == pytest.approx(found[name], rel=1e-5), (name, factor, shift)
    near = 60 + (evidence.accuracies - 60) / 1e5
    other = effect(replace(evidence, accuracies=near), chosen)
    assert other["partial"] == pytest.approx(found["partial"], rel=1e-5)


@pytest.mark.parametrize("different", [47, 2, 1])
def test_more_members_than_moments_are_kept_for(different: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some or all members may be equally accurate and confident: then controls say the same."""
    count = 47
    evidence, chosen = study(seed=10, members=count, sizes=[2])
    of_members = (values[:, np.arange(count) % different] for values in (evidence.accuracies, evidence.confidences))
    evidence = replace(evidence, **dict(zip(("accuracies", "confidences"), of_members, strict=True)))
    assert count * (count - 1) // 2 > semi_partial.MOST_MOMENTS
    found = effect(evidence, chosen)
    assert found["partial"] == pytest.approx(plain_effect(evidence, chosen, evidence.diversities["disagreement"])[0])
    monkeypatch.setattr(semi_partial, "MOST_MOMENTS", 2000)
    few = table_of(evidence, chosen, permutations=10).filter(consensus="average")
    assert few["p_value"].to_list() == [found["p_value"]], "a tenth of the permutations, as they are slow"
