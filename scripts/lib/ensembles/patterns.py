"""Which members are correct together: what follows from the number of samples of each pattern of correct members.

A pattern is the set of the members that are correct on a sample. With up to 20 members, the samples of each of the 2^M
patterns are counted, and then whatever depends on the correct members of an ensemble follows for all ensembles in one
pass for each member (Yates 1937), whatever the number of samples. With more members, the ensembles are listed, and the
samples are looked at block by block.
"""

import numpy as np
import torch

import kernels
from scripts.lib.ensembles.sizes import MOST_MEMBERS
from scripts.lib.ensembles.subsets import numbers_of

# Number of ensembles whose members are looked up at once, for each sample of a block.
BLOCK_ELEMENTS = 1 << 27
LOW_MEMBERS = 14  # of all subsets, 2^14 are computed with at once, so that their numbers stay in the cache


class Patterns:
    """Sums over samples for the ensembles `chosen`, bool [E, M], to which blocks of samples are added.

    `predicted` int64 [M, C] counts the samples for which each member predicts each of the `classes`, and `agreeing`
    int64 [M, M] those for which two members predict the same one.
    """

    def __init__(self, chosen: np.ndarray, classes: int) -> None:
        self.chosen = chosen
        members = chosen.shape[1]
        self.predicted = np.zeros((members, classes), np.int64)
        self.agreeing = np.zeros((members, members), np.int64)
        self.counts = np.zeros(1 << members, np.int64) if members <= MOST_MEMBERS else None
        self.listed = np.zeros((2, len(chosen)), np.int64)

    def add(self, predicted: torch.Tensor, labels: torch.Tensor) -> None:
        """Add samples with the members' classes, int64 [M, N], and the true ones, int64 [N]."""
        correct, samples = predicted == labels, len(labels)
        if not samples:
            return
        classes = self.predicted.shape[1]
        self.predicted += np.stack([torch.bincount(row, minlength=classes).cpu().numpy() for row in predicted])
        self.agreeing += samples - kernels.disagreement(predicted, "sum").long().cpu().numpy()
        if self.counts is None:
            self.listed += _of_listed(correct, self.chosen)
        else:
            self.counts += pattern_counts(correct.cpu().numpy())

    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """int64 [E] each: the samples that all members of an ensemble classify correctly (`unanimous`), and the sum
        over samples of the smaller of the numbers of correct and of wrong members (`minority`)."""
        if self.counts is None:
            return self.listed[0], self.listed[1]
        numbers = numbers_of(self.chosen)
        return unanimous_of(self.counts)[numbers], minority_of(self.counts)[numbers]


def pattern_counts(correct: np.ndarray) -> np.ndarray:
    """Number of samples int64 [2^M] whose correct members are the set bits of the row's number, from bool [M, N]."""
    return np.bincount((1 << np.arange(len(correct))) @ correct, minlength=1 << len(correct))


def unanimous_of(counts: np.ndarray) -> np.ndarray:
    """Number of samples int64 [2^M] that all members of a subset classify correctly, from `pattern_counts`.

    The sums over supersets: in one pass for each member, a subset without it takes over the count of the subset with
    it.
    """
    sums = counts.copy()
    for member in range(len(sums).bit_length() - 1):
        pairs = sums.reshape(-1, 2, 1 << member)
        pairs[:, 0] += pairs[:, 1]
    return sums


def minority_of(counts: np.ndarray) -> np.ndarray:
    """The sum over samples of min(l, L - l), int64 [2^M], where l of the L members of a subset are correct.

    From `pattern_counts`. For each subset, the samples with each l are counted: in one pass for each member, a subset
    without it adds up the patterns with and without it, and one with it counts those with it one l higher.
    """
    members = len(counts).bit_length() - 1
    low = min(members, LOW_MEMBERS)
    table = counts.reshape(-1, 1 << low)
    sums, numbers = np.empty_like(table), np.arange(1 << low)
    high_patterns = np.arange(len(table))
    for high in range(len(table)):
        both = np.bitwise_count(high_patterns & high)
        with_correct = np.zeros((members + 1, 1 << low), np.int64)
        for place in np.unique(both):
            with_correct[place] = table[both == place].sum(0)
        reached = int(both.max()) + 1
        for member in range(low):
            reached += 1
            _pass(with_correct[:reached], member)
        right = np.arange(members + 1)[:, None]
        size = int(np.bitwise_count(np.uint32(high))) + np.bitwise_count(numbers).astype(np.int64)
        sums[high] = (np.clip(np.minimum(right, size - right), 0, None) * with_correct).sum(0)
    return sums.reshape(-1)


def _pass(with_correct: np.ndarray, member: int) -> None:
    """Turn the bit of `member` from that of patterns into that of subsets, in place, int64 [l, 2^low]."""
    pairs = with_correct.reshape(len(with_correct), -1, 2, 1 << member)
    wrong, right = pairs[:, :, 0].copy(), pairs[:, :, 1].copy()
    pairs[:, :, 0] += right
    pairs[:, :, 1] = wrong
    pairs[1:, :, 1] += right[:-1]


def _of_listed(correct: torch.Tensor, chosen: np.ndarray) -> np.ndarray:
    """`unanimous` and `minority`, int64 [2, E], of listed ensembles, from `correct` bool [M, N]."""
    numbers, ensembles = correct.float(), torch.from_numpy(chosen).to(correct.device)
    step = max(1, BLOCK_ELEMENTS // max(1, numbers.shape[1]))
    found = []
    for block in ensembles.split(step):
        right, size = block.float() @ numbers, block.sum(1, keepdim=True)  # whole numbers below 2^24
        smaller = torch.minimum(right, size - right).sum(1, dtype=torch.float64)
        found.append(torch.stack([(right == size).sum(1), smaller.long()]))
    return torch.cat(found, dim=1).cpu().numpy()
