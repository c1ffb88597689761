"""What the primary analysis says of simulated members whose truth is known; docs/statistics.md has larger shares."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benchmarks import statistics
from benchmarks.statistics import Cell, ensembles, on_same_images, simulated_study
from scripts.lib.report.findings_diversity import is_shown
from scripts.lib.statistics.effects import effects_table
from scripts.lib.statistics.semi_partial import control_matrices
from scripts.lib.statistics.split_evidence import SplitEvidence
from tests.simulations.members import DISAGREEMENT, FAMILY, SKILL, UNRELATED, WIDE, Truth

PERMUTATIONS = 199


def simulated(
    truth: Truth, members: int, studies: int, samples: int = 1000, measures: Sequence[str] = (DISAGREEMENT,)
) -> list[SplitEvidence]:
    chosen = ensembles(members)
    return [
        simulated_study(truth, chosen, samples, np.random.default_rng([0, number]), measures=measures)[0].halves
        for number in range(studies)
    ]


def effects(studies: Sequence[SplitEvidence], measure: str = DISAGREEMENT) -> pl.DataFrame:
    """One row per study, each analysed on its own: q is p."""
    chosen = ensembles(studies[0].accuracies.shape[1])
    rows = []
    for number, evidence in enumerate(studies):
        one = replace(evidence, diversities={measure: evidence.diversities[measure]})
        rows.append(effects_table([("simulated", one)], chosen, PERMUTATIONS, number))
    return pl.concat(rows)


def small(table: pl.DataFrame) -> int:
    return int((table["p_value"] < 0.05).sum())


def shown(table: pl.DataFrame) -> int:
    return sum(is_shown(row) for row in table.iter_rows(named=True))


@pytest.mark.parametrize("truth", [SKILL, WIDE], ids=lambda truth: truth.name)
def test_members_that_differ_in_nothing_but_skill_have_no_effect(truth: Truth) -> None:
    """Nominally 2 of 40 are below .05; 99 of 100 repetitions have at most 6."""
    found = effects(simulated(truth, members=8, studies=40))
    assert small(found) <= 6
    assert shown(found) <= 4
    assert abs(found["partial"].to_numpy().mean()) < 0.1


def test_a_diversity_that_is_related_to_nothing_has_no_effect() -> None:
    found = effects(simulated(FAMILY, members=8, studies=40), UNRELATED)
    assert small(found) <= 6
    assert shown(found) <= 4
    assert abs(found["partial"].to_numpy().mean()) < 0.1


def test_diversity_and_accuracy_from_the_same_images_would_have_an_effect() -> None:
    """Which is why they come from different halves."""
    same = [on_same_images(study) for study in simulated(SKILL, members=8, studies=40)]
    assert small(effects(same)) > 8


def test_straight_lines_would_leave_a_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is why squares and products are held fixed, too."""

    def means_only(values: np.ndarray) -> np.ndarray:
        return control_matrices(values) * np.array([1, 0, 0])[:, None, None]

    monkeypatch.setattr("scripts.lib.statistics.semi_partial.control_matrices", means_only)
    assert small(effects(simulated(WIDE, members=8, studies=40))) > 6


def test_without_confidence_the_divergence_of_probabilities_would_have_an_effect() -> None:
    """Which is why the members' mean confidence is held fixed, beside their accuracies."""
    studies = simulated(WIDE, members=8, studies=20, measures=("disagreement", "js_divergence"))
    found = effects(studies, "js_divergence")
    assert small(found) <= 5
    assert abs(found["partial"].to_numpy().mean()) < 0.1
    unknown = [replace(study, confidences=np.zeros_like(study.confidences)) for study in studies]
    found = effects(unknown, "js_divergence")
    assert small(found) > 7
    assert found["partial"].to_numpy().mean() > 0.1


def test_families_that_err_together_are_found() -> None:
    found = effects(simulated(FAMILY, members=8, studies=8))
    assert shown(found) >= 6
    assert found["partial"].to_numpy().mean() > 0.5


def test_with_few_images_effects_are_underestimated() -> None:
    """Noise in the diversity pulls its effect towards 0."""
    few, many = (effects(simulated(FAMILY, 8, 12, samples))["partial"].to_numpy() for samples in (100, 2000))
    assert few.mean() < many.mean() - 0.2


def test_a_study_is_analysed_as_a_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number of a simulated study is one of the three tables of the library."""
    monkeypatch.setattr(statistics, "PERMUTATIONS", 99)
    cell = Cell(FAMILY, members=6, samples=1000, sets=2)
    table = statistics.results_of(cell, range(1), seed=0)
    assert len(table) == 2 * 2 * 4, "sets, consensus, measures"
    average = table.filter(consensus="average", dataset="set 2")
    assert set(average["measure"]) == {DISAGREEMENT, "js_divergence", "one_minus_double_fault", UNRELATED}
    assert average["same_partial"].is_not_null().sum() == 1
    assert average["plain_pearson"].is_not_null().sum() == average["variance_share"].is_not_null().sum() == 2
    assert table["q_value"].is_not_null().all()
    assert table.equals(statistics.results_of(cell, range(1), seed=0)), "it depends on its seed only"
    assert not table.equals(statistics.results_of(cell, range(1), seed=1))
