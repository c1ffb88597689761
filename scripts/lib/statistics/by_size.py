"""The ensembles of a study in groups of one size, and how often members and pairs of members are in them together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import comb
from typing import Any

import numpy as np

from scripts.lib.ensembles.counts import MOST_MEMBERS, numbers_of
from scripts.lib.ensembles.tables import BLOCK_ENSEMBLES
from scripts.lib.statistics.moments import number_with, pairs_of, sums_with_three


@dataclass(frozen=True, eq=False)
class Ensembles:
    """Ensembles `chosen`, bool [E, M], of at least two members each, in the order of their sizes.

    They are the same for all datasets and consensus of a study, so what follows from them alone is computed once.
    """

    chosen: np.ndarray
    _parts: dict[tuple[int, ...], Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def size(self) -> np.ndarray:
        """Number of members of each ensemble, int64 [E]."""
        return self.chosen.sum(1)

    @cached_property
    def of_size(self) -> dict[int, slice]:
        """The rows of the ensembles of each size."""
        sizes, counts = np.unique(self.size, return_counts=True)
        ends = np.cumsum(counts)
        return {int(size): slice(end - count, end) for size, count, end in zip(sizes, counts, ends, strict=True)}

    @cached_property
    def groups(self) -> dict[str, slice]:
        """The rows that are correlated together: of all sizes, and of each size."""
        return {"all": slice(0, len(self.chosen))} | {str(size): rows for size, rows in self.of_size.items()}

    @cached_property
    def counts(self) -> np.ndarray:
        """Numbers of ensembles of each size, in all (index 0) and without each member, int64 [S, 1 + M]."""
        counts = np.zeros((len(self.of_size), 1 + self.chosen.shape[1]), np.int64)
        for row, rows in zip(counts, self.of_size.values(), strict=True):
            row[:] = rows.stop - rows.start
            row[1:] -= self.chosen[rows].sum(0)
        return counts

    @cached_property
    def complete(self) -> bool:
        """Whether, of at most 20 members, every subset that has one of the sizes is there, and once."""
        members = self.chosen.shape[1]
        if members > MOST_MEMBERS:
            return False
        different = np.zeros(1 << members, bool)
        different[self._numbers] = True
        return different.sum() == len(self.chosen) == sum(comb(members, size) for size in self.of_size)

    @cached_property
    def _numbers(self) -> np.ndarray:
        return numbers_of(self.chosen)

    @cached_property
    def scatter_of_members(self) -> dict[str, np.ndarray]:
        """For each group, the scatter matrix [M, M] of the weights with which members enter an ensemble's mean."""
        return self._scatter(pairs=False)

    @cached_property
    def scatter_of_pairs(self) -> dict[str, np.ndarray]:
        """For each group, the scatter matrix [F, F] of the weights of pairs of members, ordered as `triu_indices`."""
        return self._scatter(pairs=True)

    def _scatter(self, pairs: bool) -> dict[str, np.ndarray]:
        """Σ w wᵀ less its share that follows from the mean weights, from whole numbers: w is 0 or 1 / items."""
        members = self.chosen.shape[1]
        features = members * (members - 1) // 2 if pairs else members
        first, second = {"all": np.zeros(features)}, {"all": np.zeros((features, features))}
        for size, rows in self.of_size.items():
            together = self._together_if_complete(size, pairs) if self.complete else self._together(rows, pairs)
            items = comb(size, 2) if pairs else size
            first[str(size)], second[str(size)] = together.diagonal() / items, together / items**2
            first["all"], second["all"] = first["all"] + first[str(size)], second["all"] + second[str(size)]
        counts = {name: max(1, rows.stop - rows.start) for name, rows in self.groups.items()}
        return {name: second[name] - np.outer(first[name], first[name]) / counts[name] for name in counts}

    def _together(self, rows: slice, pairs: bool) -> np.ndarray:
        """In how many ensembles each two members (or pairs) are together, [F, F]; the diagonal has single ones."""
        first, second = np.triu_indices(self.chosen.shape[1], 1)
        total: np.ndarray | float = 0.0
        for start in range(rows.start, rows.stop, BLOCK_ENSEMBLES):
            block = self.chosen[start : min(rows.stop, start + BLOCK_ENSEMBLES)].T
            inside = (block[first] & block[second] if pairs else block).astype(np.float32)
            total = total + (inside @ inside.T).astype(np.float64)  # whole numbers below 2^24 are exact in float32
        return np.asarray(total)

    def _together_if_complete(self, size: int, pairs: bool) -> np.ndarray:
        """As `_together`, from how many members two members (or pairs) are."""
        members = self.chosen.shape[1]
        contains = pairs_of(members)[0].astype(np.int64) if pairs else np.eye(members, dtype=np.int64)
        different = 2 * contains[:1].sum() - contains @ contains.T
        return np.array([number_with(given, members, size) for given in range(5)], np.float64)[different]

    def with_outcomes(self, rows: slice, outcomes: np.ndarray, pairs: bool) -> np.ndarray:
        """Weights × outcomes, [F, K]: the sum of `outcomes` [K, n] of the ensembles `rows`, each times its weights."""
        first, second = np.triu_indices(self.chosen.shape[1], 1)
        total: np.ndarray | float = 0.0
        for start in range(rows.start, rows.stop, BLOCK_ENSEMBLES):
            block = slice(start, min(rows.stop, start + BLOCK_ENSEMBLES))
            inside, size = self.chosen[block].T.astype(np.float64), self.size[block]
            shares = outcomes[:, block.start - rows.start : block.stop - rows.start] / (
                size * (size - 1) / 2 if pairs else size
            )
            if pairs:
                by_member = (inside[:, None] * shares).reshape(-1, inside.shape[1]) @ inside.T
                total = total + by_member.reshape(len(inside), len(shares), -1)[first, :, second]
            else:
                total = total + inside @ shares.T
        return np.asarray(total)

    def sums_with_three(self, outcomes: np.ndarray) -> np.ndarray:
        """Weights of pairs × outcomes [K, E] less the mean of their size, summed over the ensembles with one more
        member, [K, M, M, M]; that member can be one of the pair. For complete ensembles.
        """
        members = self.chosen.shape[1]
        values = np.zeros((len(outcomes), 1 << members))
        for size, rows in self.of_size.items():
            centred = outcomes[:, rows] - outcomes[:, rows].mean(1, keepdims=True)
            values[:, self._numbers[rows]] = centred / comb(size, 2)
        return sums_with_three(values, members)

    def part(self, members: tuple[int, ...]) -> "tuple[np.ndarray, Ensembles]":
        """The rows of the ensembles that have only some `members`, and these ensembles of these members."""
        if members not in self._parts:
            others = np.delete(np.arange(self.chosen.shape[1]), members)
            rows = np.flatnonzero(~self.chosen[:, others].any(1))
            self._parts[members] = rows, Ensembles(self.chosen[rows][:, members])
        return self._parts[members]


def by_members(
    measures: Iterable[str], compared: Mapping[str, Sequence[int]], members: int
) -> dict[tuple[int, ...], list[str]]:
    """The measures that compare the same members, by the positions of these members; `compared` has those that a
    measure compares, if these are not all of the `members`."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for name in measures:
        groups.setdefault(tuple(compared.get(name, range(members))), []).append(name)
    return groups
