"""Sums that follow from which members are correct together, against a plain loop."""

import numpy as np
import pytest
import torch

from scripts.lib.ensembles.patterns import Patterns, minority_of, pattern_counts
from scripts.lib.ensembles.subsets import numbers_of


def by_a_loop(correct: np.ndarray, chosen: np.ndarray) -> tuple[list[int], list[int]]:
    unanimous = [sum(all(sample[ensemble]) for sample in correct.T) for ensemble in chosen]
    right = [[int(sample[ensemble].sum()) for sample in correct.T] for ensemble in chosen]
    size = chosen.sum(1).tolist()
    return unanimous, [sum(min(one, own - one) for one in row) for row, own in zip(right, size, strict=True)]


@pytest.mark.parametrize("members", [1, 2, 3, 8, 9, 16, 21])
@pytest.mark.parametrize("samples", [1, 2, 130])
@pytest.mark.parametrize("share", [0, 0.7, 1])
def test_sums_are_those_of_a_plain_loop_in_blocks_too(members: int, samples: int, share: float) -> None:
    """Up to 20 members by sums over patterns, beyond by a product; also if some members are equal."""
    random = np.random.default_rng(members)
    correct = random.random((members, samples)) < share
    correct[members // 2] = correct[0]
    chosen = np.concatenate([random.random((40, members)) < 0.4, np.ones((1, members), bool)])
    chosen[np.arange(40), random.integers(members, size=40)] = True  # no ensemble is empty
    labels, wrong = torch.from_numpy(random.integers(3, size=samples)), random.integers(1, 3, correct.shape)
    predicted = torch.where(torch.from_numpy(correct), labels, (labels + torch.from_numpy(wrong)) % 3)
    whole, blocks = Patterns(chosen, 3), Patterns(chosen, 3)
    whole.add(predicted, labels)
    for start in range(0, samples, 50):
        blocks.add(predicted[:, start : start + 50], labels[start : start + 50])
    for found in (whole, blocks):
        assert found.predicted.tolist() == [[int((row == c).sum()) for c in range(3)] for row in predicted]
        assert found.agreeing.tolist() == (predicted[:, None] == predicted[None]).sum(2).tolist()
    expected = by_a_loop(correct, chosen)
    for found in (whole.sums(), blocks.sums()):
        assert [values.dtype for values in found] == [np.int64, np.int64]
        assert (found[0].tolist(), found[1].tolist()) == expected


def test_no_samples_give_nothing() -> None:
    for members in (3, 22):
        empty = Patterns(np.ones((2, members), bool), 4)
        empty.add(torch.zeros(members, 0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))
        assert empty.agreeing.sum() == empty.predicted.sum() == 0
        assert [values.tolist() for values in empty.sums()] == [[0, 0], [0, 0]]


def test_a_part_of_the_members_at_a_time_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    correct = np.random.default_rng(0).random((7, 90)) < 0.6
    whole = minority_of(pattern_counts(correct))
    monkeypatch.setattr("scripts.lib.ensembles.patterns.LOW_MEMBERS", 3)
    np.testing.assert_array_equal(minority_of(pattern_counts(correct)), whole)


@pytest.mark.parametrize("members", [1, 7, 8, 9, 20, 32])
def test_the_bits_of_an_ensembles_number_are_its_members(members: int) -> None:
    chosen = np.random.default_rng(0).random((50, members)) < 0.5
    assert numbers_of(chosen).tolist() == [sum(2 ** int(member) for member in np.flatnonzero(row)) for row in chosen]
