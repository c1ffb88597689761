"""The ensembles of a study in groups of one size, and how often members and pairs of members are in them together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from scripts.lib.ensembles.tables import BLOCK_ENSEMBLES


@dataclass(frozen=True, eq=False)
class Scatter:
    """Sums of products of deviations of n columns, in all ensembles (index 0) and without member m (index 1 + m).

    `within` [1 + M, n, n] is of deviations from the mean of an ensemble's size, `between` [1 + M, n, n] of these means
    from that of all ensembles; together they are the scatter over all ensembles. `numbers` and `sizes` int64 [1 + M]
    count the ensembles and their different sizes.
    """

    within: np.ndarray
    between: np.ndarray
    numbers: np.ndarray
    sizes: np.ndarray


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
            together = self._together(rows, pairs)
            items = size * (size - 1) // 2 if pairs else size
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

    def scatter_within_sizes(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How `columns` [n, E] vary together among ensembles of the same size, in all of them and without each member.

        Returns scatter matrices [1 + M, n, n] (sums of products of deviations), and the numbers [1 + M] of ensembles
        and of sizes; index 0 is of all ensembles, index 1 + m of those without member m.
        """
        scatter = self.scatter(columns)
        return scatter.within, scatter.numbers, scatter.sizes

    def scatter(self, columns: np.ndarray) -> "Scatter":
        """How `columns` [n, E] vary together within and between sizes, in all ensembles and without each member."""
        members, (first, second) = self.chosen.shape[1], np.triu_indices(len(columns))
        within = np.zeros((1 + members, len(columns), len(columns)))
        means = np.zeros((len(self.of_size), 1 + members, len(columns)))
        counts = np.zeros((len(self.of_size), 1 + members), np.int64)
        for number, rows in enumerate(self.of_size.values()):
            of_size = columns[:, rows].mean(1, keepdims=True)
            sums, counts[number] = self._sums(columns[:, rows] - of_size, rows)
            deviations = sums[:, : len(columns)] / np.maximum(counts[number], 1)[:, None]
            squares = counts[number][:, None] * deviations[:, first] * deviations[:, second]
            within[:, first, second] += sums[:, len(columns) :] - squares
            means[number] = of_size[:, 0] + deviations
        within[:, second, first] = within[:, first, second]
        return Scatter(within, _between(means, counts), counts.sum(0), (counts > 0).sum(0))

    def _sums(self, values: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        """Sums of `values` [n, of rows] and of their products, [1 + M, J], and numbers of ensembles [1 + M].

        Sums without a member are differences, which lose little because `values` have mean 0.
        """
        first, second = np.triu_indices(len(values))
        width = len(values) + len(first)
        total, inside = np.zeros(width), np.zeros((self.chosen.shape[1], width))
        for start in range(0, values.shape[1], BLOCK_ENSEMBLES):
            block = values[:, start : start + BLOCK_ENSEMBLES]
            chosen = self.chosen[rows.start + start : rows.start + start + block.shape[1]]
            terms = np.concatenate([block, block[first] * block[second]])
            total += terms.sum(1)
            inside += chosen.T.astype(np.float64) @ terms.T
        count = rows.stop - rows.start
        counts = np.concatenate([[count], count - self.chosen[rows].sum(0)])
        return np.concatenate([total[None], total - inside]), counts

    def part(self, members: tuple[int, ...]) -> "tuple[np.ndarray, Ensembles]":
        """The rows of the ensembles that have only some `members`, and these ensembles of these members."""
        if members not in self._parts:
            others = np.delete(np.arange(self.chosen.shape[1]), members)
            rows = np.flatnonzero(~self.chosen[:, others].any(1))
            self._parts[members] = rows, Ensembles(self.chosen[rows][:, members])
        return self._parts[members]


def _between(means: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Scatter [1 + M, n, n] of the `means` [S, 1 + M, n] of so many sizes, of `counts` [S, 1 + M] ensembles each."""
    if not len(means):
        return np.zeros((means.shape[1], means.shape[2], means.shape[2]))
    shares = counts / np.maximum(counts.sum(0), 1)
    deviations = means - (shares[..., None] * means).sum(0)
    return np.einsum("sm,smi,smj->mij", counts, deviations, deviations)


def by_members(
    measures: Iterable[str], compared: Mapping[str, Sequence[int]], members: int
) -> dict[tuple[int, ...], list[str]]:
    """The measures that compare the same members, by the positions of these members; `compared` has those that a
    measure compares, if these are not all of the `members`."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for name in measures:
        groups.setdefault(tuple(compared.get(name, range(members))), []).append(name)
    return groups
