"""The permutation p-value tests "no relation at all, not even through accuracy". These tests document that limit.

docs/statistics.md says so, and the report below its tables of plain correlations. The tests of
effects (`test_simulated_effects.py`) do not have this limit.
"""

import polars as pl
import pytest

from tests.simulations import permutation_p
from tests.simulations.permutation_p import (
    ACCURACY_ONLY,
    EFFECT_AGAINST_ACCURACY,
    HEADER,
    NOTHING,
    outcomes,
    summary,
    table_row,
)


@pytest.fixture(autouse=True)
def fewer_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for a limit of .05, and five times as fast as those of the table in the docs."""
    monkeypatch.setattr(permutation_p, "PERMUTATIONS", 199)


def test_p_is_calibrated_for_no_relation_at_all() -> None:
    """Nominally 3 of 60 are below .05; 99 of 100 repetitions have at most 8."""
    assert (outcomes(NOTHING, members=6, studies=60)["p_value"] < 0.05).sum() <= 8


def test_p_is_small_where_diversity_matters_through_accuracy_only() -> None:
    found = summary(outcomes(ACCURACY_ONLY, members=15, studies=8))
    assert found["p"] >= 0.75, "nominally .05"
    assert found["q"] >= 0.75, "q corrects for the number of correlations, not for what is tested"
    assert abs(found["partial"]) < 0.1 < found["r"], "the partial correlation shows that nothing is beyond accuracy"


def test_p_misses_an_effect_that_accuracy_hides() -> None:
    found = summary(outcomes(EFFECT_AGAINST_ACCURACY, members=6, studies=40))
    assert max(found["p"], found["q"]) < 0.2
    assert abs(found["r"]) < 0.1 < 0.4 < found["partial"]


def test_r_may_have_the_sign_that_the_effect_has_not() -> None:
    rows = outcomes(EFFECT_AGAINST_ACCURACY, members=15, studies=8)
    assert (rows["partial_pearson"] > 0).all()
    assert summary(rows)["r"] < -0.1


def test_shares_and_rows_of_the_table() -> None:
    rows = pl.DataFrame(
        {
            "pearson": [0.5, -0.1],
            "partial_pearson": [0.0, -0.5],
            "p_value": [0.01, 0.05],
            "q_value": [0.02, 0.01],
            "ci_low": [0.1, -0.3],
            "ci_high": [0.8, 0.2],
        }
    )
    row = table_row(NOTHING, 6, summary(rows))
    assert row == "| no relation at all | 6 | 0.0 | +0.20 | −0.25 ± 0.35 | 50 % | 100 % | 50 % | 50 % |"
    assert row.count("|") == HEADER.splitlines()[0].count("|") == HEADER.splitlines()[1].count("|")


def test_a_simulation_depends_on_its_seed_only() -> None:
    first, again, other = (outcomes(ACCURACY_ONLY, members=5, studies=2, seed=seed) for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)
    assert first["pearson"].n_unique() == pytest.approx(2)
