"""Counts in groups of images, against plain loops; intervals over images are made from them."""

from math import comb
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import softmax

from scripts.lib.ensembles.counting import Question, count_samples
from scripts.lib.ensembles.image_groups import GroupCounts, counted_in_groups, groups_table, load_groups
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
    same(load_groups(paths, 4, len(chosen)), whole)
    with pytest.raises(StudyError, match="not one for each of 6 sets of members and 10 groups"):
        load_groups(paths, 4, 2)


def same(found: GroupCounts, expected: GroupCounts) -> None:
    np.testing.assert_array_equal(found.samples, expected.samples)
    np.testing.assert_allclose(found.nll, expected.nll, rtol=1e-6)
    np.testing.assert_allclose(found.confidence, expected.confidence, rtol=1e-6)
    for way, numbers in expected.right.items():
        np.testing.assert_array_equal(found.right[way], numbers)


def test_all_ensembles_of_several_members_are_kept_or_some_of_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = subsets(12, "all")
    chosen = np.concatenate([np.eye(12, dtype=bool), chosen])
    assert counted_in_groups(chosen, 7).tolist() == list(range(12, len(chosen)))
    monkeypatch.setattr("scripts.lib.ensembles.image_groups.MOST_IN_GROUPS", 4000)
    monkeypatch.setattr("scripts.lib.ensembles.image_groups.DRAWN", 2000)
    rows = counted_in_groups(chosen, 7)
    assert len(rows) == len(set(rows)) == 2000
    assert (np.diff(rows) > 0).all()
    assert rows[0] >= 12
    assert rows.tolist() == counted_in_groups(chosen, 7).tolist() != counted_in_groups(chosen, 8).tolist()
    sizes = np.bincount(chosen[rows].sum(1), minlength=13) / 2000
    expected = np.array([0, 0] + [comb(12, size) for size in range(2, 13)]) / 4083
    np.testing.assert_allclose(sizes, expected, atol=0.03)


def test_nothing_is_counted_in_groups_for_very_many_members() -> None:
    chosen = np.ones((2, 101), bool)
    assert not len(counted_in_groups(chosen, 0))
    logits, labels = logits_and_labels(101, 20)
    found = counted(logits, labels, chosen).groups
    assert len(groups_table(found)) == 0
    assert found.nll.shape == (2, 0, 101)
