"""The primary analysis, against ordinary least squares with one column per size, and permutations done one by one."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.stats
from polars.testing import assert_frame_equal

from scripts.lib.ensembles.subsets import mean_pairwise, subsets
from scripts.lib.statistics import semi_partial
from scripts.lib.statistics.effects import OVER_IMAGES, SCHEMA, effects_table
from scripts.lib.statistics.permutations import random_orders
from scripts.lib.statistics.split_evidence import SplitEvidence
from tests.unit.statistics.test_permutations import random_matrix

PERMUTATIONS = 99
NUMBERS = [name for name, kind in SCHEMA.items() if kind == pl.Float64 and name not in OVER_IMAGES]


def halves_of(seed: int, members: int) -> np.ndarray:
    return np.stack([random_matrix(seed, members), random_matrix(seed + 100, members)])


def study(
    seed: int = 0, members: int = 7, sizes: Any = "all", **matrices: np.ndarray
) -> tuple[SplitEvidence, np.ndarray]:
    """Members of random accuracy, ensembles of random accuracy, and random matrices unless others are given."""
    generator, chosen = np.random.default_rng(seed), subsets(members, sizes, 0, 0)
    accuracies = 60 + 10 * generator.normal(size=members) + generator.normal(size=(2, members))
    confidences = 0.6 + 0.1 * generator.normal(size=members) + 0.01 * generator.normal(size=(2, members))
    outcomes = {name: 70 + generator.normal(size=(2, len(chosen))) for name in ("average", "vote")}
    matrices = matrices or {"disagreement": halves_of(seed, members)}
    return SplitEvidence(accuracies, confidences, outcomes, matrices), chosen


def table_of(evidence: SplitEvidence, chosen: np.ndarray, permutations: int = PERMUTATIONS) -> pl.DataFrame:
    return effects_table([("clean", evidence)], chosen, permutations, 0)


def effect(evidence: SplitEvidence, chosen: np.ndarray, **values: Any) -> dict[str, Any]:
    return table_of(evidence, chosen).filter(consensus="average", **values).row(0, named=True)


def pair_controls(*properties: np.ndarray) -> list[np.ndarray]:
    """In the units of the properties: what is held fixed does not depend on the unit."""
    both = [(values[:, None], values[None]) for values in properties]
    return [each for a, b in both for each in (a + b, a**2 + b**2, a * b)]


def plain_effect(
    evidence: SplitEvidence, chosen: np.ndarray, diversity: np.ndarray, members: list[int] | None = None
) -> tuple[float, float]:
    """Partial correlation and points per standard deviation, of ensembles of these members, by least squares."""
    outside = [] if members is None else [m for m in range(chosen.shape[1]) if m not in members]
    kept = (chosen.sum(1) > 1) & ~chosen[:, outside].any(1)
    found = []
    for half in (0, 1):
        inside, members = chosen[kept], (evidence.accuracies[1 - half], evidence.confidences[1 - half])
        size, y = inside.sum(1), evidence.outcomes["average"][1 - half][kept]
        controls = [mean_pairwise(inside, control) for control in pair_controls(*members)]
        design = np.stack([*(size == each for each in set(size)), *controls], axis=1)
        design = design / np.maximum(np.linalg.norm(design, axis=0), 1e-300)
        values = (mean_pairwise(inside, diversity[half]), y)
        left = [value - design @ np.linalg.lstsq(design, value)[0] for value in values]
        found.append((scipy.stats.pearsonr(*left).statistic, scipy.stats.linregress(*left).slope * left[0].std()))
    partial, points = np.mean(found, axis=0)
    return float(partial), float(points)


@pytest.mark.parametrize("members", [6, 8])
def test_effects_are_those_of_least_squares_with_one_column_per_size(members: int) -> None:
    evidence, chosen = study(seed=3, members=members)
    found = effect(evidence, chosen)
    expected = plain_effect(evidence, chosen, evidence.diversities["disagreement"])
    assert (found["partial"], found["per_sd"]) == pytest.approx(expected, rel=1e-7)
    assert found["members"] == members
    assert found["ensembles"] == 2**members - members - 1


def test_diversity_comes_from_one_half_and_accuracy_from_the_other() -> None:
    """The chance of images that diversity and accuracy share makes no effect."""
    evidence, chosen = study(members=6)
    shared = np.random.default_rng(1).normal(size=(2, 6, 6))
    shared = shared + shared.transpose(0, 2, 1)
    outcomes = np.stack([mean_pairwise(chosen, matrix) for matrix in shared])
    same = replace(evidence, outcomes={"average": outcomes}, diversities={"disagreement": shared})
    other = replace(same, diversities={"disagreement": shared[::-1]})
    assert abs(effect(same, chosen)["partial"]) < 0.9
    assert effect(other, chosen)["partial"] == pytest.approx(1)


def test_intervals_leave_out_one_member_at_a_time() -> None:
    evidence, chosen = study(seed=4, members=7)
    found, matrices = effect(evidence, chosen), evidence.diversities["disagreement"]
    without = [plain_effect(evidence, chosen, matrices, [m for m in range(7) if m != out]) for out in range(7)]
    whole = plain_effect(evidence, chosen, matrices)
    limit = scipy.stats.t.ppf(0.975, 6)
    for number, there, back, names in (
        (0, np.arctanh, np.tanh, ("low", "high")),
        (1, float, float, ("per_sd_low", "per_sd_high")),
    ):
        values = np.array([there(each[number]) for each in without])
        half = limit * np.sqrt(6 / 7 * ((values - values.mean()) ** 2).sum())
        expected = back(there(whole[number]) - half), back(there(whole[number]) + half)
        assert [found[name] for name in names] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("most_moments", [semi_partial.MOST_MOMENTS, 0])
def test_p_is_that_of_permuted_residuals_added_to_what_accuracies_say(
    monkeypatch: pytest.MonkeyPatch, most_moments: int
) -> None:
    """`most_moments` 0: as with many members, where pairs are looked up for each permutation."""
    monkeypatch.setattr(semi_partial, "MOST_MOMENTS", most_moments)
    monkeypatch.setattr(semi_partial, "BLOCK_PERMUTATIONS", 10)
    evidence, chosen = study(seed=5, members=6)
    pairs, fitted, left = np.triu_indices(6, 1), np.zeros((2, 6, 6)), np.zeros((2, 6, 6))
    for half in (0, 1):
        values = evidence.diversities["disagreement"][half][pairs]
        controls = pair_controls(evidence.accuracies[1 - half], evidence.confidences[1 - half])
        design = np.stack([np.ones(15), *(control[pairs] for control in controls)], axis=1)
        design = design / np.linalg.norm(design, axis=0)
        fitted[half][pairs] = design @ np.linalg.lstsq(design, values)[0]
        left[half][pairs] = values - fitted[half][pairs]
    fitted, left = fitted + fitted.transpose(0, 2, 1), left + left.transpose(0, 2, 1)
    permuted = [
        plain_effect(evidence, chosen, fitted + left[:, order][:, :, order])[0]
        for order in random_orders(6, PERMUTATIONS, 0)
    ]
    observed = plain_effect(evidence, chosen, evidence.diversities["disagreement"])[0]
    expected = (1 + np.sum(np.abs(permuted) >= abs(observed) - 1e-9)) / (1 + PERMUTATIONS)
    asked = PERMUTATIONS if most_moments else 10 * PERMUTATIONS
    found = table_of(evidence, chosen, asked).filter(consensus="average").row(0, named=True)
    assert found["p_value"] == pytest.approx(expected)
    assert 0.02 < expected < 0.98, "a p in the middle can tell orders of permutations apart"


def test_a_measure_of_some_members_is_looked_at_in_their_ensembles_only() -> None:
    matrices = halves_of(7, 8)
    matrices[:, [2, 6]] = matrices[:, :, [2, 6]] = np.nan
    kept = [0, 1, 3, 4, 5, 7]
    whole, chosen = study(seed=6, members=8, partial=matrices, complete=halves_of(8, 8))
    found = effect(replace(whole, compared={"partial": kept}), chosen, measure="partial")
    assert found["members"] == 6
    assert found["ensembles"] == 2**6 - 7
    inside = ~chosen[:, [2, 6]].any(1)
    alone = SplitEvidence(
        whole.accuracies[:, kept],
        whole.confidences[:, kept],
        {name: values[:, inside] for name, values in whole.outcomes.items()},
        {"partial": matrices[:, kept][:, :, kept]},
    )
    expected = effect(alone, chosen[inside][:, kept], measure="partial")
    for name in (*NUMBERS, "members", "ensembles"):
        if name != "q_value":
            assert found[name] == pytest.approx(expected[name]), name


def test_single_members_among_the_ensembles_do_not_count() -> None:
    evidence, chosen = study(members=6)
    alone, more = np.eye(6, dtype=bool), np.full((2, 6), 12.0)
    outcomes = {name: np.concatenate([more, values], axis=1) for name, values in evidence.outcomes.items()}
    with_alone = table_of(replace(evidence, outcomes=outcomes), np.concatenate([alone, chosen]))
    assert_frame_equal(with_alone, table_of(evidence, chosen))


def test_q_is_over_all_rows_and_rows_without_p_do_not_count() -> None:
    matrices = {"first": halves_of(1, 6), "second": halves_of(2, 6), "constant": np.ones((2, 6, 6))}
    evidence, chosen = study(seed=7, members=6, **matrices)
    table = effects_table([("clean", evidence), ("noise", evidence)], chosen, PERMUTATIONS, 0)
    tested = table.filter(pl.col("p_value").is_not_null())
    assert set(tested["measure"]) == {"first", "second"}
    assert len(tested) == 8
    np.testing.assert_allclose(tested["q_value"], scipy.stats.false_discovery_control(tested["p_value"].to_numpy()))
    assert table.filter(measure="constant")["q_value"].is_null().all()


def test_the_seed_decides_only_p() -> None:
    evidence, chosen = study(seed=8, members=6)
    first, other = table_of(evidence, chosen), effects_table([("clean", evidence)], chosen, PERMUTATIONS, 1)
    assert_frame_equal(first, table_of(evidence, chosen))
    assert_frame_equal(first.drop("p_value", "q_value"), other.drop("p_value", "q_value"))
    assert not first["p_value"].equals(other["p_value"])


@pytest.mark.parametrize("members", [2, 3, 4, 5])
def test_too_few_members_have_no_effect(members: int) -> None:
    table = table_of(*study(members=members))
    assert len(table) == 2
    assert all(table[name].is_null().all() for name in NUMBERS)


@pytest.mark.parametrize("members", [6, 47])
def test_no_ensemble_has_no_effect(members: int) -> None:
    """A study of single members, or a measure whose members are in no drawn ensemble together."""
    evidence, chosen = study(members=members, sizes=[1])
    table = table_of(evidence, chosen)
    assert all(table[name].is_null().all() for name in NUMBERS)
    assert table["ensembles"].to_list() == [0, 0]


def test_no_ensemble_of_the_members_that_a_measure_compares_has_no_effect() -> None:
    evidence, chosen = study(members=8, sizes=[8])
    table = table_of(replace(evidence, compared={"disagreement": [0, 1, 2, 3, 4, 5]}), chosen)
    assert all(table[name].is_null().all() for name in NUMBERS)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_equally_diverse_pairs_have_no_effect(value: float) -> None:
    table = table_of(*study(members=6, disagreement=np.full((2, 6, 6), value)))
    assert all(table[name].is_null().all() for name in NUMBERS)


def test_equally_accurate_ensembles_have_no_effect() -> None:
    evidence, chosen = study(members=6)
    constant = {name: np.full(values.shape, 71.3) for name, values in evidence.outcomes.items()}
    assert all(table_of(replace(evidence, outcomes=constant), chosen)[name].is_null().all() for name in NUMBERS)


def test_a_half_without_samples_has_no_effect() -> None:
    evidence, chosen = study(members=6)
    for values in (
        evidence.accuracies,
        evidence.confidences,
        *evidence.outcomes.values(),
        *evidence.diversities.values(),
    ):
        values[1] = np.nan
    table = table_of(evidence, chosen)
    assert all(table[name].is_null().all() for name in NUMBERS)


def test_a_diversity_that_only_says_accuracies_and_confidences_has_no_effect() -> None:
    evidence, chosen = study(members=7)
    properties = (evidence.accuracies[::-1], evidence.confidences[::-1])
    (first, second), (sure, other) = ((values[:, :, None], values[:, None]) for values in properties)
    said = 3 - 0.2 * (first + second) - 0.01 * (first - second) ** 2 + 2 * (sure + other) + 5 * sure * other
    table = table_of(replace(evidence, diversities={"disagreement": said}), chosen)
    assert all(table[name].is_null().all() for name in NUMBERS)


def test_a_pair_without_a_value_leaves_only_its_measure_without_an_effect() -> None:
    matrices = {"broken": halves_of(1, 6), "whole": halves_of(2, 6)}
    matrices["broken"][0, 1, 2] = matrices["broken"][0, 2, 1] = np.nan
    evidence, chosen = study(members=6, **matrices)
    broken, whole = (table_of(evidence, chosen).filter(measure=name) for name in ("broken", "whole"))
    assert all(broken[name].is_null().all() for name in NUMBERS)
    alone = table_of(replace(evidence, diversities={"whole": matrices["whole"]}), chosen)
    assert_frame_equal(whole, alone)


def test_equally_accurate_and_confident_members_are_compared_by_size_only() -> None:
    evidence, chosen = study(members=6)
    evidence = replace(evidence, accuracies=np.full((2, 6), 71.3), confidences=np.full((2, 6), 0.7))
    kept = chosen.sum(1) > 1
    inside, size = chosen[kept], chosen[kept].sum(1)
    partial = []
    for half in (0, 1):
        values = (
            mean_pairwise(inside, evidence.diversities["disagreement"][half]),
            evidence.outcomes["average"][1 - half, kept],
        )
        left = [value - np.array([value[size == each].mean() for each in size]) for value in values]
        partial.append(scipy.stats.pearsonr(*left).statistic)
    found = effect(evidence, chosen)
    assert found["partial"] == pytest.approx(np.mean(partial))
    assert found["p_value"] is not None


def test_a_study_without_measures_has_an_empty_table() -> None:
    evidence, chosen = study()
    table = table_of(replace(evidence, diversities={}), chosen)
    assert dict(table.schema) == SCHEMA
    assert table.is_empty()
