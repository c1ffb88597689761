"""Counts in groups of images, against plain loops; intervals over images are made from them."""

from math import comb
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import softmax

from scripts.lib.ensembles.counting import Question, count_samples
from scripts.lib.ensembles.image_groups import GroupCounts, compact, groups_table, kept_in_groups, load_groups
from scripts.lib.inference.predictions import Predictions
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.shards import GROUPS, MINIBATCH, group_sizes, rows_of_group, shard
from scripts.lib.jobs.storage import save_table
from tests.unit.conftest import counted, subsets

CPU = torch.device("cpu")
SAMPLES, CLASSES = 2 * MINIBATCH + 33, 3


def logits_and_labels(members: int, samples: int = SAMPLES) -> tuple[list[np.ndarray], torch.Tensor]:
    random = np.random.default_rng(members)
    logits = [random.normal(size=(samples, CLASSES)).astype(np.float32) for _ in range(members)]
    return logits, torch.from_numpy(random.integers(CLASSES, size=samples))


@pytest.mark.parametrize("samples", [1, 2, 19, 20, SAMPLES])
def test_every_sample_is_in_one_group_of_its_half(samples: int) -> None:
    groups = [[np.arange(samples)[rows_of_group(0, half, group)] for group in range(GROUPS)] for half in (0, 1)]
    assert sorted(np.concatenate([np.concatenate(of_half) for of_half in groups])) == list(range(samples))
    for half, of_half in enumerate(groups):
        for group, numbers in enumerate(of_half):
            assert (numbers % 2 == half).all()
            assert (numbers // 2 % GROUPS == group).all()
    assert group_sizes(samples) == [[len(numbers) for numbers in of_half] for of_half in groups]


@pytest.mark.parametrize("members", [3, 7])
def test_members_and_ensembles_are_counted_in_each_group(members: int) -> None:
    logits, labels = logits_and_labels(members)
    chosen, in_groups = subsets(members, "all"), [0, 1, 3]
    found = counted(logits, labels, chosen, in_groups).groups
    probabilities = softmax(np.stack(logits).astype(np.float64), axis=2)
    numbers, true = np.arange(SAMPLES), labels.numpy()
    for half, group in np.ndindex(2, GROUPS):
        rows = numbers[(numbers % 2 == half) & (numbers // 2 % GROUPS == group)]
        assert found.samples[half, group] == len(rows)
        for row, ensemble in enumerate([*np.eye(members, dtype=bool), *chosen[in_groups]]):
            mean = probabilities[ensemble][:, rows].mean(0)
            assert found.right["average"][half, group, row] == (mean.argmax(1) == true[rows]).sum()
            expected = -np.log(mean[np.arange(len(rows)), true[rows]]).sum()
            assert found.nll[half, group, row] == pytest.approx(expected, rel=1e-9)
        sure = probabilities[:, rows].max(2).sum(1)
        np.testing.assert_allclose(found.confidence[half, group, :members], sure, rtol=1e-12)
        assert np.isnan(found.confidence[half, group, members:]).all()


def test_groups_add_up_to_halves() -> None:
    logits, labels = logits_and_labels(4)
    chosen = subsets(4, "all")
    found = counted(logits, labels, chosen, range(len(chosen)))
    for half, tally in enumerate(found.halves):
        for way in ("average", "vote"):
            sums = found.groups.right[way][half].sum(0)
            assert sums.tolist() == [*tally.joint.diagonal(), *tally.right[way]]
        np.testing.assert_allclose(found.groups.nll[half].sum(0)[4:], tally.nll, rtol=1e-12)


def test_shards_and_blocks_add_up_and_survive_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = logits_and_labels(4)
    chosen = subsets(4, "all")
    whole = counted(logits, labels, chosen, range(len(chosen))).groups
    monkeypatch.setattr("scripts.lib.jobs.shards.BLOCK_BYTES", 1)
    predictions = Predictions("clean", list("abcd"), [str(row) for row in range(SAMPLES)], logits)
    paths = [str(tmp_path / f"{part}.parquet") for part in range(2)]
    for part, path in enumerate(paths):
        question = Question(chosen, ["average", "vote"], np.arange(len(chosen)))
        found = count_samples(predictions, labels, shard(SAMPLES, part, 2), question, CPU)
        save_table(path, groups_table(found.groups))
    same(load_groups(paths, 4, len(chosen)), whole, 1e-12)
    save_table(tmp_path / "compact.parquet", compact(groups_table(whole)))
    same(load_groups([str(tmp_path / "compact.parquet")], 4, len(chosen)), whole, 1e-6)
    with pytest.raises(StudyError, match="not one for each of 6 sets of members and 10 groups"):
        load_groups(paths, 4, 2)


def same(found: GroupCounts, expected: GroupCounts, tolerance: float) -> None:
    np.testing.assert_array_equal(found.samples, expected.samples)
    np.testing.assert_allclose(found.nll, expected.nll, rtol=tolerance)
    np.testing.assert_allclose(found.confidence, expected.confidence, rtol=tolerance)
    for way, numbers in expected.right.items():
        np.testing.assert_array_equal(found.right[way], numbers)


def test_all_ensembles_of_several_members_are_kept_or_some_of_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = np.concatenate([np.eye(12, dtype=bool), subsets(12, "all")])
    assert kept_in_groups(chosen, [], 7).rows.tolist() == list(range(12, len(chosen)))
    monkeypatch.setattr("scripts.lib.ensembles.image_groups.MOST_IN_GROUPS", 4000)
    monkeypatch.setattr("scripts.lib.ensembles.image_groups.DRAWN", 2000)
    rows = kept_in_groups(chosen, [], 7).rows
    assert len(rows) == len(set(rows)) == 2000
    assert (np.diff(rows) > 0).all()
    assert rows[0] >= 12
    assert rows.tolist() == kept_in_groups(chosen, [], 7).rows.tolist() != kept_in_groups(chosen, [], 8).rows.tolist()
    sizes = np.bincount(chosen[rows].sum(1), minlength=13) / 2000
    expected = np.array([0, 0] + [comb(12, size) for size in range(2, 13)]) / 4083
    np.testing.assert_allclose(sizes, expected, atol=0.03)


def test_measures_that_compare_some_members_keep_ensembles_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the 57 ensembles of six members, hardly one is among 50 of those of twelve."""
    monkeypatch.setattr("scripts.lib.ensembles.image_groups.MOST_IN_GROUPS", 100)
    monkeypatch.setattr("scripts.lib.ensembles.image_groups.DRAWN", 50)
    chosen, some = subsets(12, "all"), (0, 2, 3, 5, 8, 11)
    kept = kept_in_groups(chosen, [range(12), some, some], 7)
    assert list(kept.of_members) == [tuple(range(12)), some]
    own = chosen[kept.rows[kept.of_members[some]]]
    assert len(own) == 2**6 - 6 - 1
    assert not own[:, [1, 4, 6, 7, 9, 10]].any()
    assert len(kept.of_members[tuple(range(12))]) == 50
    assert set(kept.rows) == set(kept.rows[np.concatenate([*kept.of_members.values()])])


def test_nothing_is_counted_in_groups_for_very_many_members() -> None:
    chosen = np.ones((2, 101), bool)
    assert not len(kept_in_groups(chosen, [range(20)], 0).rows)
    logits, labels = logits_and_labels(101, 20)
    found = counted(logits, labels, chosen).groups
    assert len(groups_table(found)) == 0
    assert found.nll.shape == (2, 0, 101)
