"""What the primary analysis says of simulated members whose truth is known; docs/architecture.md has larger shares."""

import polars as pl
import pytest

from tests.simulations import effects
from tests.simulations.effects import FAMILY, HEADER, SKILL, WIDE, Truth, outcomes, summary, table_row


@pytest.fixture(autouse=True)
def fewer_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "PERMUTATIONS", 199)


@pytest.mark.parametrize("truth", [SKILL, WIDE], ids=lambda truth: truth.name)
def test_members_that_differ_in_nothing_but_skill_have_no_effect(truth: Truth) -> None:
    """Nominally 2 of 40 are below .05; 99 of 100 repetitions have at most 6."""
    found = outcomes(truth, members=8, studies=40)
    assert (found["p_value"] < 0.05).sum() <= 6
    assert summary(found)["shown"] <= 0.1
    assert abs(summary(found)["partial"]) < 0.1


def test_diversity_and_accuracy_from_the_same_images_would_have_an_effect() -> None:
    """Which is why they come from different halves."""
    assert summary(outcomes(SKILL, members=8, studies=40))["same"] > 0.2


def test_families_that_err_together_are_found() -> None:
    found = summary(outcomes(FAMILY, members=8, studies=8))
    assert found["shown"] >= 0.75
    assert found["partial"] > 0.5


def test_shares_and_rows_of_the_table() -> None:
    rows = pl.DataFrame(
        {
            "partial": [0.0, -0.5],
            "low": [0.1, -0.3],
            "high": [0.8, 0.2],
            "p_value": [0.01, None],
            "q_value": [0.01, 0.01],
            "same_p_value": [0.01, 0.02],
        }
    )
    row = table_row(SKILL, 6, summary(rows))
    assert row == "| nothing but skill | 6 | −0.25 ± 0.25 | 100 % | 50 % | 50 % | 50 % |"
    assert row.count("|") == HEADER.splitlines()[0].count("|") == HEADER.splitlines()[1].count("|")


def test_a_simulation_depends_on_its_seed_only() -> None:
    first, again, other = (outcomes(SKILL, members=5, studies=2, samples=100, seed=seed) for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)
