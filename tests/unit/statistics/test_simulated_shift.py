"""What effects of the diversity on clean images say of simulated members; docs/under-shift.md has larger shares."""

import numpy as np
import pytest

from tests.simulations import shift
from tests.simulations.shift import FAMILY, HIDDEN, ROBUSTNESS, SKILL, Shift, outcomes, summary


@pytest.fixture(autouse=True)
def fewer_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shift, "PERMUTATIONS", 199)


@pytest.mark.parametrize("truth", [SKILL, ROBUSTNESS, HIDDEN], ids=lambda truth: truth.name)
def test_clean_diversity_that_says_nothing_of_the_shift_has_no_effect(truth: Shift) -> None:
    """Nominally 1.25 of 25 are below .05; 99 of 100 repetitions have at most 5."""
    found = outcomes(truth, members=8, studies=25)
    for dataset in ("clean", "shifted"):
        rows = found.filter(adjusted_on=dataset)
        assert (rows["p_value"] < 0.05).sum() <= 5, dataset
        assert summary(rows)["shown"] <= 0.1


def test_families_that_err_together_on_both_sets_are_found() -> None:
    found = outcomes(FAMILY, members=8, studies=8)
    for dataset in ("clean", "shifted"):
        assert summary(found.filter(adjusted_on=dataset))["partial"] > 0.3, dataset


def test_a_simulation_depends_on_its_seed_only() -> None:
    first, again, other = (outcomes(SKILL, members=6, studies=2, samples=100, seed=seed) for seed in (0, 0, 1))
    assert first.equals(again)
    assert not np.array_equal(first["partial"], other["partial"])
