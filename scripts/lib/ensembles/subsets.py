"""Which ensembles are evaluated, and means over their members and pairs.

Apart from what is computed with tensors, because most jobs that need a list of ensembles do not need torch.
"""

import math
from collections.abc import Sequence

import numpy as np

from scripts.lib.ensembles.sizes import is_exhaustive, sizes_of
from scripts.lib.ensembles.sums import sum_over_pairs
from scripts.lib.jobs.randomness import derive


def subsets(members: int, sizes: str | Sequence[int], per_size: int, seed: int) -> np.ndarray:
    """The ensembles to evaluate as bool [E, M], by size and then in lexicographic order of their members.

    If there are too many ensembles of these sizes, `per_size` different ones of each size are drawn at random (all, if
    a size does not have more). The sample is stratified by size and depends only on `seed` and the number of members.
    """
    if is_exhaustive(members, sizes):
        return np.concatenate([_all_of_size(members, size) for size in sizes_of(members, sizes)])
    return np.concatenate([_some_of_size(members, size, per_size, seed) for size in sizes_of(members, sizes)])


def _all_of_size(members: int, size: int) -> np.ndarray:
    """Grow the ensembles by one member at a time, in lexicographic order, and only so that the rest finds room."""
    chosen: np.ndarray = np.zeros((1, members), dtype=bool)
    last = np.array([-1])
    for missing in range(size, 0, -1):
        choices = np.maximum(members - missing - last, 0)  # the next member is in last + 1, …, members - missing
        first = last + 1 - np.cumsum(choices) + choices
        last = np.repeat(first, choices) + np.arange(choices.sum())
        chosen = np.repeat(chosen, choices, axis=0)
        chosen[np.arange(len(chosen)), last] = True
    return chosen


def _some_of_size(members: int, size: int, count: int, seed: int) -> np.ndarray:
    if math.comb(members, size) <= count:
        return _all_of_size(members, size)
    generator = np.random.default_rng(derive(seed, "ensembles", size))
    chosen: set[tuple[int, ...]] = set()
    while len(chosen) < count:
        chosen.add(tuple(sorted(generator.choice(members, size, replace=False).tolist())))
    rows = np.zeros((count, members), dtype=bool)
    np.put_along_axis(rows, np.array(sorted(chosen)), True, axis=1)
    return rows


def numbers_of(chosen: np.ndarray) -> np.ndarray:
    """The number uint32 [E] of each ensemble of `chosen`, bool [E, M]: its members are the number's set bits."""
    octets = np.packbits(chosen, axis=1, bitorder="little")
    words = np.zeros((len(chosen), 4), np.uint8)
    words[:, : octets.shape[1]] = octets
    return words.view("<u4")[:, 0]


def mean_of_members(chosen: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mean of the members' `values` [M] over each ensemble of `chosen` [E, M]."""
    return chosen @ values / chosen.sum(1)


def mean_pairwise(chosen: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Mean of the symmetric `matrix` [M, M] over the pairs of each ensemble of `chosen` [E, M].

    NaN for an ensemble of one member, and for one that has a pair without a value (NaN).
    """
    off_diagonal = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
    undefined = np.isnan(off_diagonal)
    size = chosen.sum(1)
    total, pairs = sum_over_pairs(chosen, np.where(undefined, 0, off_diagonal)), size * (size - 1)
    defined = (pairs > 0) & (sum_over_pairs(chosen, undefined) == 0)
    return np.divide(total, pairs, out=np.full(len(total), np.nan), where=defined)
