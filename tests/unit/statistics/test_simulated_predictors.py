"""What clean diversity and accuracy foretell of simulated members; docs/under-shift.md has more studies."""

import polars as pl

from tests.simulations.predictors import tables
from tests.simulations.shift import FAMILY, SKILL

OF_DIVERSITY = pl.col("predictor") == "disagreement"


def test_where_members_differ_in_skill_only_the_most_accurate_ensemble_is_the_better_choice() -> None:
    """Less skilled members disagree more, so the more diverse ensembles are the worse ones."""
    found = tables(SKILL, members=8, studies=5).filter(OF_DIVERSITY, gain="accuracy")
    assert (found["correlation"] < 0).all()
    assert (found["over_accuracy_high"] < 0).all()


def test_where_families_err_together_diversity_foretells_what_ensembles_add_to_their_members() -> None:
    found = tables(FAMILY, members=8, studies=5).filter(OF_DIVERSITY, gain="over_mean")
    of_skill = tables(SKILL, members=8, studies=5).filter(OF_DIVERSITY, gain="over_mean")
    assert found["correlation"].mean() > of_skill["correlation"].mean() + 0.3


def test_a_simulation_depends_on_its_seed_only() -> None:
    first, again, other = (tables(SKILL, members=6, studies=1, samples=100, seed=seed) for seed in (0, 0, 1))
    assert first.equals(again)
    assert first["correlation"].to_list() != other["correlation"].to_list()
