"""The ensembles of a study in groups of one size, and how often members and pairs of members are in them together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import comb
from typing import Any

import numpy as np

from scripts.lib.ensembles.sizes import MOST_MEMBERS
from scripts.lib.ensembles.subsets import numbers_of
from scripts.lib.ensembles.sums import BLOCK_ENSEMBLES
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
        """Whether, of at most 20 members, every subset that has one of the sizes is there, and once.

        Then sums over the ensembles follow from few others (`moments`). False if there are no ensembles.
        """
        members, sizes = self.chosen.shape[1], self.of_size
        if not sizes or members > MOST_MEMBERS or len(self.chosen) != sum(comb(members, size) for size in sizes):
            return False
        return np.count_nonzero(self._by_number >= 0) == len(self.chosen)

    @cached_property
    def _by_number(self) -> np.ndarray:
        """The row of the subset with each number (see `moments`), int64 [2^M]; -1 if it is no ensemble."""
        rows = np.full(1 << self.chosen.shape[1], -1)
        rows[numbers_of(self.chosen[:, ::-1])] = np.arange(len(self.chosen))
        return rows

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
        contains = pairs_of(members)[0] if pairs else np.eye(members)
        different = 2 * contains[:1].sum() - contains @ contains.T
        numbers = [number_with(given, members, size) for given in range(5)]
        return np.array(numbers, np.float64)[different.astype(np.int64)]

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

    def means_of_sizes(self, values: np.ndarray) -> np.ndarray:
        """Means of `values` [..., E] over the ensembles of each size, [S, ...]."""
        means = [values[..., rows].mean(-1) for rows in self.of_size.values()]
        return np.reshape(means, (len(means), *values.shape[:-1]))

    def within_sizes(self, values: np.ndarray) -> np.ndarray:
        """`values` [..., E] less their mean over the ensembles of the same size."""
        centred = np.empty(values.shape)
        for rows, means in zip(self.of_size.values(), self.means_of_sizes(values), strict=True):
            np.subtract(values[..., rows], means[..., None], out=centred[..., rows])
        return centred

    def pairs_with_outcomes(self, outcomes: np.ndarray) -> np.ndarray:
        """Weights of pairs × `outcomes` [K, E] that have mean 0 in each size, summed over all ensembles, [F, K]."""
        if self.complete:
            first, second = np.triu_indices(self.chosen.shape[1], 1)
            return self.weights_with_three(self.by_number(outcomes))[:, first, second, second].T
        parts = (self.with_outcomes(rows, outcomes[:, rows], pairs=True) for rows in self.of_size.values())
        return np.asarray(sum(parts))

    def by_number(self, values: np.ndarray) -> np.ndarray:
        """`values` [K, E] in the order of the numbers of the ensembles (see `moments`), [K, 2^M]; others are 0."""
        return np.where(self._by_number >= 0, values.take(self._by_number, axis=1), 0)

    def weights_with_three(self, outcomes: np.ndarray) -> np.ndarray:
        """`outcomes` [K, 2^M] `by_number` times the weights of pairs in an ensemble, summed over the ensembles that
        contain members i, j and k, [K, M, M, M], which may be equal. Only for complete ensembles.
        """
        members, numbers = self.chosen.shape[1], np.arange(outcomes.shape[1])
        weights = np.array([1 / max(1, comb(size, 2)) for size in range(1 + members)])
        return sums_with_three(outcomes * weights[np.bitwise_count(numbers)], members)

    def part(self, members: tuple[int, ...]) -> "tuple[np.ndarray, Ensembles]":
        """The rows of the ensembles that have only some `members`, and these ensembles of these members."""
        if members not in self._parts:
            others = np.delete(np.arange(self.chosen.shape[1]), members)
            rows = np.flatnonzero(~self.chosen[:, others].any(1))
            self._parts[members] = rows, Ensembles(self.chosen[rows][:, members])
        return self._parts[members]


def by_size(chosen: np.ndarray) -> tuple[Ensembles, np.ndarray]:
    """The ensembles of `chosen`, bool [E, M], that have at least two members, by size, and their rows in `chosen`."""
    order = np.argsort(chosen.sum(1), kind="stable")
    rows = order[chosen.sum(1)[order] > 1]
    return Ensembles(chosen[rows]), rows


def by_members(
    measures: Iterable[str], compared: Mapping[str, Sequence[int]], members: int
) -> dict[tuple[int, ...], list[str]]:
    """The measures that compare the same members, by the positions of these members; `compared` has those that a
    measure compares, if these are not all of the `members`."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for name in measures:
        groups.setdefault(tuple(compared.get(name, range(members))), []).append(name)
    return groups
