"""What the primary analysis says of simulated members whose truth is known; docs/architecture.md has larger shares."""

import numpy as np
import polars as pl
import pytest

from scripts.lib.statistics.semi_partial import control_matrices
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


def test_straight_lines_of_accuracy_would_leave_a_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is why squares and products of accuracies are held fixed, too."""

    def two_controls(accuracies: np.ndarray) -> np.ndarray:
        return control_matrices(accuracies) * np.array([1, 1, 0, 0])[:, None, None]

    monkeypatch.setattr("scripts.lib.statistics.effects.control_matrices", two_controls)
    assert summary(outcomes(WIDE, members=8, studies=40))["p"] > 0.15


def test_families_that_err_together_are_found() -> None:
    found = summary(outcomes(FAMILY, members=8, studies=8))
    assert found["shown"] >= 0.75
    assert found["partial"] > 0.5


def test_shares_and_rows_of_the_table() -> None:
    rows = pl.DataFrame(
        {
            "partial": [0.0, -0.5],
            "points_low": [0.1, -0.3],
            "points_high": [0.8, 0.2],
            "p_value": [0.01, None],
            "q_value": [0.01, 0.01],
            "same_p_value": [0.01, 0.02],
        }
    )
    row = table_row(SKILL, 6, summary(rows))
    assert row == "| nothing but skill | 6 | −0.25 ± 0.25 | 100 % | 50 % | 50 % | 50 % |"
    assert row.count("|") == HEADER.splitlines()[0].count("|") == HEADER.splitlines()[1].count("|")


def test_a_simulation_depends_on_its_seed_only() -> None:
    first, again, other = (outcomes(SKILL, members=6, studies=2, samples=100, seed=seed) for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)
