"""Diversity of the clean set and accuracy on shifted sets, against the primary analysis of evidence put together."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import scipy.stats
from polars.testing import assert_frame_equal

from scripts.lib.statistics.effects import SCHEMA as EFFECTS
from scripts.lib.statistics.effects import effects_table
from scripts.lib.statistics.effects_from_clean import SCHEMA, effects_from_clean
from scripts.lib.statistics.split_evidence import Outcome, SplitEvidence
from tests.unit.statistics.test_effects import PERMUTATIONS, halves_of, study

CLEAN, CHOSEN = study(seed=1, members=7, disagreement=halves_of(1, 7), js_divergence=halves_of(2, 7))
NOISE, _ = study(seed=2, members=7, disagreement=halves_of(3, 7), js_divergence=halves_of(4, 7))
BLUR, _ = study(seed=3, members=7, disagreement=halves_of(5, 7), js_divergence=halves_of(6, 7))


def read() -> Iterator[tuple[str, SplitEvidence]]:
    yield from {"clean": CLEAN, "noise": NOISE, "blur": BLUR}.items()


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return effects_from_clean(read, CHOSEN, PERMUTATIONS, 0)


def primary(dataset: str, evidence: SplitEvidence) -> pl.DataFrame:
    return effects_table([(dataset, evidence)], CHOSEN, PERMUTATIONS, 0)


@pytest.mark.parametrize(("dataset", "evidence"), [("noise", NOISE), ("blur", BLUR)])
def test_only_the_diversities_are_those_of_the_clean_set(
    table: pl.DataFrame, dataset: str, evidence: SplitEvidence
) -> None:
    found = table.filter(dataset=dataset, measured_on="clean", adjusted_on=dataset)
    expected = primary(dataset, replace(evidence, diversities=CLEAN.diversities))
    assert_frame_equal(found.select(*EFFECTS).drop("q_value"), expected.drop("q_value"))
    own = primary(dataset, evidence)
    assert not np.allclose(own["partial"], found["partial"])


@pytest.mark.parametrize(("dataset", "evidence"), [("noise", NOISE), ("blur", BLUR)])
def test_or_what_is_held_fixed_too(table: pl.DataFrame, dataset: str, evidence: SplitEvidence) -> None:
    found = table.filter(dataset=dataset, measured_on="clean", adjusted_on="clean")
    accuracies, confidences = (np.stack([of.sum(0) / 2] * 2) for of in (CLEAN.accuracies, CLEAN.confidences))
    fixed = replace(CLEAN, accuracies=accuracies, confidences=confidences)
    expected = primary(dataset, replace(fixed, outcomes=evidence.outcomes))
    assert_frame_equal(found.select(*EFFECTS).drop("q_value"), expected.drop("q_value"))


def test_there_are_rows_for_every_shifted_set_and_q_is_over_one_question(table: pl.DataFrame) -> None:
    assert dict(table.schema) == SCHEMA
    assert len(table) == 2 * 2 * 2 * 2, "questions, shifted sets, measures and consensus"
    assert set(table["dataset"]) == {"noise", "blur"}
    for question in (table.filter(adjusted_on="clean"), table.filter(pl.col("adjusted_on") == pl.col("dataset"))):
        assert len(question) == 8
        expected = scipy.stats.false_discovery_control(question["p_value"].to_numpy())
        np.testing.assert_allclose(question["q_value"], expected)


def test_a_shift_that_changes_nothing_gives_the_effects_of_the_clean_set() -> None:
    found = effects_from_clean(lambda: iter([("clean", CLEAN), ("same", CLEAN)]), CHOSEN, PERMUTATIONS, 0)
    assert_frame_equal(found[:4].select(*EFFECTS), primary("same", CLEAN))
    assert_frame_equal(
        found[4:].select("dataset", "measure", "consensus"), found[:4].select("dataset", "measure", "consensus")
    )


def test_the_chance_of_images_that_both_sets_share_makes_no_effect() -> None:
    """Copies of the same images: what is diverse on the even images of one set is accurate on those of the other."""
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(2, 7, 7))
    shared = shared + shared.transpose(0, 2, 1)
    pairs = CHOSEN[:, :, None] & CHOSEN[:, None] & ~np.eye(7, dtype=bool)
    outcomes = (pairs[None] * shared[:, None]).sum((2, 3)) / pairs.sum((1, 2))
    clean = replace(CLEAN, diversities={"disagreement": shared})
    noise = replace(NOISE, outcomes={"average": outcomes})
    found = effects_from_clean(lambda: iter([("clean", clean), ("noise", noise)]), CHOSEN, PERMUTATIONS, 0)
    assert found["partial"].abs().max() < 0.9
    crossed = replace(clean, diversities={"disagreement": shared[::-1]})
    found = effects_from_clean(lambda: iter([("clean", crossed), ("noise", noise)]), CHOSEN, PERMUTATIONS, 0)
    np.testing.assert_allclose(found["partial"], 1)


def test_members_that_a_measure_does_not_compare_stay_out() -> None:
    compared = {"js_divergence": [0, 1, 3, 4, 5, 6]}
    clean, noise = (replace(evidence, compared=compared) for evidence in (CLEAN, NOISE))
    found = effects_from_clean(lambda: iter([("clean", clean), ("noise", noise)]), CHOSEN, PERMUTATIONS, 0)
    assert found.filter(measure="js_divergence")["members"].unique().to_list() == [6]
    assert found.filter(measure="disagreement")["members"].unique().to_list() == [7]


def test_the_outcome_is_the_accuracy_also_where_scores_are_known() -> None:
    scores = [Outcome("nll", CLEAN.outcomes, CLEAN.accuracies[:, None])]
    datasets = {"clean": replace(CLEAN, scores=scores), "noise": replace(NOISE, scores=scores)}
    found = effects_from_clean(lambda: iter(datasets.items()), CHOSEN, PERMUTATIONS, 0)
    assert found["outcome"].unique().to_list() == ["accuracy"]


def test_one_validation_set_has_no_shift() -> None:
    found = effects_from_clean(lambda: iter([("clean", CLEAN)]), CHOSEN, PERMUTATIONS, 0)
    assert dict(found.schema) == SCHEMA
    assert found.is_empty()
