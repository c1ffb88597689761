"""Intervals over images, against studies from which the images were really taken out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.stats
import torch
from scipy.special import softmax

from scripts.lib.ensembles.image_groups import GroupCounts, groups_table, kept_in_groups
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.shards import GROUPS
from scripts.lib.jobs.storage import save_array, save_table
from scripts.lib.measures.pairwise import pairwise_sums, values, values_without_groups
from scripts.lib.measures.recorded import Recorded
from scripts.lib.measures.spec import MEASURES
from scripts.lib.statistics.effect_differences import SCHEMA, differences_of
from scripts.lib.statistics.effects import OVER_IMAGES, effects_table, estimates
from scripts.lib.statistics.effects_from_clean import effects_from_clean
from scripts.lib.statistics.split_evidence import SplitEvidence, nll_outcome
from scripts.lib.statistics.without_images import with_fewer_images, without_images
from tests.unit.conftest import counted, subsets

MEMBERS, SAMPLES, PERMUTATIONS = 7, 400, 19
CHOSEN = subsets(MEMBERS, "all")
NAMES = ("disagreement", "js_divergence")
SOME = (0, 1, 2, 4, 5, 6)  # that a measure compares, in one of the tests
KEPT = kept_in_groups(CHOSEN, [SOME], 0)
CPU = torch.device("cpu")


def images(seed: int) -> tuple[torch.Tensor, np.ndarray]:
    """Labels [N] and logits [M, N, 3]."""
    random = np.random.default_rng(seed)
    labels = random.integers(3, size=SAMPLES)
    logits = random.normal(size=(MEMBERS, SAMPLES, 3))
    logits[:, np.arange(SAMPLES), labels] += random.uniform(0.5, 2, (MEMBERS, 1)) * random.normal(1, 1, SAMPLES)
    return torch.from_numpy(labels), logits.astype(np.float32)


def evidence_of(labels: torch.Tensor, logits: np.ndarray, with_groups: bool = True) -> SplitEvidence:
    question = counted(list(logits), labels, CHOSEN, range(len(CHOSEN)))
    accuracies = np.stack([100 * half.joint.diagonal() / half.samples for half in question.halves])
    confidences = softmax(logits.astype(np.float64), axis=2).max(2)
    confidences = np.stack([confidences[:, half::2].mean(1) for half in (0, 1)])
    outcomes = {
        way: np.stack([100 * half.right[way] / half.samples for half in question.halves]) for way in ("average", "vote")
    }
    of_members = np.stack([half.of_members.nll / half.samples for half in question.halves])
    of_ensembles = np.stack([half.nll / half.samples for half in question.halves])
    diversities, groups = {}, {}
    for name in NAMES:
        recorded = Recorded(list(logits), labels)
        sums = pairwise_sums(MEASURES[name], recorded, range(len(labels)), CPU, "test")
        columns = values(MEASURES[name], sums)
        diversities[name] = np.stack([columns["value_even"], columns["value_odd"]])
        groups[name] = values_without_groups(MEASURES[name], sums).numpy()
    scores = [nll_outcome(of_members, confidences, {"average": of_ensembles})]
    evidence = SplitEvidence(accuracies, confidences, outcomes, diversities, scores=scores)
    if not with_groups:
        return evidence
    return replace(evidence, without_images=without_images(question.groups, CHOSEN, KEPT, groups, evidence))


def left_out(group: int) -> np.ndarray:
    """The other images; removed in pairs of an even and an odd one, so the others stay in their half."""
    return np.flatnonzero(np.arange(SAMPLES) // 2 % GROUPS != group)


EVIDENCE = evidence_of(*images(1))


@pytest.mark.parametrize("group", [0, 3, GROUPS - 1])
def test_the_evidence_is_that_of_the_other_images(group: int) -> None:
    labels, logits = images(1)
    rest = left_out(group)
    expected = evidence_of(labels[rest], logits[:, rest], with_groups=False)
    assert EVIDENCE.without_images is not None
    found = EVIDENCE.without_images.evidence[group]
    np.testing.assert_allclose(found.accuracies, expected.accuracies, rtol=1e-12)
    np.testing.assert_allclose(found.confidences, expected.confidences, rtol=1e-12)
    for way, of_ensembles in expected.outcomes.items():
        np.testing.assert_allclose(found.outcomes[way], of_ensembles, rtol=1e-12)
    for name in NAMES:
        np.testing.assert_allclose(found.diversities[name], expected.diversities[name], atol=1e-12)
    [nll], [of_rest] = found.scores, expected.scores
    np.testing.assert_allclose(nll.held_fixed, of_rest.held_fixed, rtol=1e-9)
    np.testing.assert_allclose(nll.values["average"], of_rest.values["average"], rtol=1e-9)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return effects_table([("clean", EVIDENCE)], CHOSEN, PERMUTATIONS, 0)


def effects_without(group: int) -> pl.DataFrame:
    labels, logits = images(1)
    rest = left_out(group)
    evidence = evidence_of(labels[rest], logits[:, rest], with_groups=False)
    return effects_table([("clean", evidence)], CHOSEN, PERMUTATIONS, 0)


def test_intervals_leave_out_one_group_of_images_at_a_time(table: pl.DataFrame) -> None:
    without = np.stack([effects_without(group)["per_sd"].to_numpy() for group in range(GROUPS)])
    effect = table["per_sd"].to_numpy()
    of_images = np.sqrt((GROUPS - 1) / GROUPS * ((without - without.mean(0)) ** 2).sum(0))
    half = scipy.stats.t.ppf(0.975, GROUPS - 1) * of_images
    np.testing.assert_allclose(table["images_low"], effect - half, rtol=1e-7)
    np.testing.assert_allclose(table["images_high"], effect + half, rtol=1e-7)
    of_members = (table["per_sd_high"] - table["per_sd_low"]).to_numpy() / 2 / scipy.stats.t.ppf(0.975, MEMBERS - 1)
    variance = of_members**2 + of_images**2
    freedom = variance**2 / (of_members**4 / (MEMBERS - 1) + of_images**4 / (GROUPS - 1))
    half = scipy.stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    np.testing.assert_allclose(table["both_low"], effect - half, rtol=1e-7)
    np.testing.assert_allclose(table["both_high"], effect + half, rtol=1e-7)


def test_without_groups_there_are_no_intervals_over_images(table: pl.DataFrame) -> None:
    found = effects_table([("clean", replace(EVIDENCE, without_images=None))], CHOSEN, PERMUTATIONS, 0)
    assert found.drop(OVER_IMAGES).equals(table.drop(OVER_IMAGES))
    for name in OVER_IMAGES:
        assert found[name].is_null().all()


def test_the_diversity_on_clean_images_loses_the_same_images() -> None:
    shifted = evidence_of(*images(2))
    found = effects_from_clean(lambda: iter([("clean", EVIDENCE), ("noise", shifted)]), CHOSEN, PERMUTATIONS, 0).filter(
        adjusted_on="noise", consensus="average", measure="disagreement"
    )
    without = []
    for group in range(GROUPS):
        rest = left_out(group)
        clean, noise = (
            evidence_of(labels[rest], logits[:, rest], with_groups=False) for labels, logits in (images(1), images(2))
        )
        moved = replace(noise, diversities=clean.diversities, scores=[])
        effects = effects_table([("noise", moved)], CHOSEN, PERMUTATIONS, 0)
        without.append(effects.filter(consensus="average", measure="disagreement")["per_sd"].item())
    error = np.sqrt((GROUPS - 1) / GROUPS * ((np.array(without) - np.mean(without)) ** 2).sum())
    half = (found["images_high"] - found["images_low"]).item() / 2
    assert half == pytest.approx(scipy.stats.t.ppf(0.975, GROUPS - 1) * error, rel=1e-7)


def test_a_difference_of_effects_has_an_interval_of_its_own(table: pl.DataFrame) -> None:
    [found] = [each for each in estimates([("clean", EVIDENCE)], CHOSEN, PERMUTATIONS, 0) if each.outcome == "accuracy"]
    differences = differences_of([found])
    assert dict(differences.schema) == SCHEMA
    assert differences["consensus"].to_list() == ["average", "vote"]
    row = differences.row(0, named=True)
    assert (row["measure"], row["other"]) == NAMES
    accuracy = table.filter(outcome="accuracy", consensus="average")["per_sd"]
    assert row["difference"] == pytest.approx(accuracy[0] - accuracy[1])
    members = found.per_sd[1:, 0, 0] - found.per_sd[1:, 1, 0]
    groups = found.without_images[:, 0, 0] - found.without_images[:, 1, 0]
    squares = [(len(each) - 1) / len(each) * ((each - each.mean()) ** 2).sum() for each in (members, groups)]
    freedom = sum(squares) ** 2 / (squares[0] ** 2 / (MEMBERS - 1) + squares[1] ** 2 / (GROUPS - 1))
    t = row["difference"] / np.sqrt(sum(squares))
    assert row["p_value"] == pytest.approx(2 * scipy.stats.t.sf(abs(t), freedom))
    half = scipy.stats.t.ppf(0.975, freedom) * np.sqrt(sum(squares))
    assert (row["low"], row["high"]) == pytest.approx((row["difference"] - half, row["difference"] + half))
    expected = scipy.stats.false_discovery_control(differences["p_value"].to_numpy())
    np.testing.assert_allclose(differences["q_value"], expected)


def test_equal_measures_do_not_differ() -> None:
    same = {"disagreement": EVIDENCE.diversities["disagreement"]}
    evidence = replace(EVIDENCE, diversities=same | {"other": same["disagreement"]}, without_images=None)
    differences = differences_of(estimates([("clean", evidence)], CHOSEN, PERMUTATIONS, 0))
    np.testing.assert_allclose(differences["difference"], 0, atol=1e-12)
    assert not (differences["q_value"].fill_null(1) < 0.05).any()


def test_one_measure_has_no_difference() -> None:
    evidence = replace(
        EVIDENCE, diversities={"disagreement": EVIDENCE.diversities["disagreement"]}, without_images=None
    )
    assert differences_of(estimates([("clean", evidence)], CHOSEN, PERMUTATIONS, 0)).is_empty()


def files_of(folder: Path, shape: tuple[int, ...]) -> dict[str, list[str]]:
    paths = {"ensembles_in_groups": ["ensembles.parquet"], "pairs_in_groups": ["a.npy"]}
    files = {name: [str(folder / file) for file in of_kind] for name, of_kind in paths.items()}
    zeros = GroupCounts.zeros(GROUPS, 3 + 4, ["average"])
    counts = replace(zeros, samples=zeros.samples + 1)
    save_table(files["ensembles_in_groups"][0], groups_table(counts))
    save_array(files["pairs_in_groups"][0], np.zeros(shape))
    return files


def test_files_are_read_and_checked(tmp_path: Path) -> None:
    members, chosen = ["a", "b", "c"], subsets(3, "all")
    kept = kept_in_groups(chosen, [[2, 0]], 0)
    evidence = SplitEvidence(np.zeros((2, 3)), np.zeros((2, 3)), {}, {"disagreement": np.zeros((2, 3, 3))})
    compared = {"disagreement": ["c", "a"]}
    files = files_of(tmp_path, (2, GROUPS, 2, 2))
    [(name, found)] = with_fewer_images([("clean", evidence)], files, members, compared, chosen, kept)
    assert name == "clean"
    assert found.without_images is not None
    matrix = found.without_images.evidence[0].diversities["disagreement"][0]
    assert np.isnan(matrix[1]).all()
    assert matrix[0, 2] == matrix[2, 2] == 0
    files = files_of(tmp_path, (2, GROUPS, 3, 3))
    with pytest.raises(StudyError, match=r"a.npy has the shape \[2, 10, 3, 3\] instead of \[2, 10, 2, 2\]. Delete it"):
        list(with_fewer_images([("clean", evidence)], files, members, compared, chosen, kept))


def test_a_study_without_groups_has_no_evidence_without_images() -> None:
    counts = GroupCounts.zeros(0, MEMBERS, ["average"])
    assert without_images(counts, CHOSEN, KEPT, {}, EVIDENCE) is None


def test_a_group_without_samples_is_no_replicate() -> None:
    """With 19 samples, the last group of the odd ones is empty."""
    labels, logits = images(1)
    evidence = evidence_of(labels[:19], logits[:, :19])
    assert evidence.without_images is None
    assert evidence_of(labels[:20], logits[:, :20]).without_images is not None


def test_a_measure_that_compares_some_members_has_intervals_from_their_ensembles() -> None:
    compared = {"disagreement": list(SOME)}
    [fewer] = [EVIDENCE.without_images]
    assert fewer is not None
    parts = [replace(each, compared=compared) for each in fewer.evidence]
    evidence = replace(EVIDENCE, compared=compared, without_images=replace(fewer, evidence=parts))
    found = effects_table([("clean", evidence)], CHOSEN, PERMUTATIONS, 0).filter(measure="disagreement")
    members = subsets(len(SOME), "all")
    assert found["members"].unique().to_list() == [len(SOME)]
    assert found["ensembles"].unique().to_list() == [len(members)] == [len(KEPT.of_members[SOME])]
    labels, logits = images(1)
    half = (found["images_high"] - found["images_low"]).to_numpy() / 2 / scipy.stats.t.ppf(0.975, GROUPS - 1)
    without = []
    for group in range(GROUPS):
        rest = left_out(group)
        each = evidence_of(labels[rest], logits[:, rest], with_groups=False)
        table = effects_table([("clean", replace(each, compared=compared))], CHOSEN, PERMUTATIONS, 0)
        without.append(table.filter(measure="disagreement")["per_sd"].to_numpy())
    errors = np.sqrt((GROUPS - 1) / GROUPS * ((np.stack(without) - np.mean(without, 0)) ** 2).sum(0))
    np.testing.assert_allclose(half, errors, rtol=1e-6)
