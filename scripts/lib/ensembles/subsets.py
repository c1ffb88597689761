"""Which ensembles are evaluated, and means over their members and pairs.

Apart from what is computed with tensors, because most jobs that need a list of ensembles do not need torch.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from scripts.lib.jobs.randomness import derive

# The largest number of members for which memory and kernels.consensus_sweep allow all ensembles.
MOST_MEMBERS = 20
MOST_ENSEMBLES = 2**MOST_MEMBERS - 1
# Ensembles that are computed with at once, here and in `statistics`: arrays [BLOCK_ENSEMBLES, M] stay in the cache.
BLOCK_ENSEMBLES = 1 << 13


def is_exhaustive(members: int, sizes: str | Sequence[int]) -> bool:
    """Whether all ensembles of these sizes are evaluated: up to 1,048,575, which covers all sizes for 20 members."""
    return sum(math.comb(members, size) for size in _sizes(members, sizes)) <= MOST_ENSEMBLES


def _sizes(members: int, sizes: str | Sequence[int]) -> Sequence[int]:
    """ "all" means from 2 to M, and for more than 20 members from 2 to 20."""
    return range(2, min(members, MOST_MEMBERS) + 1) if isinstance(sizes, str) else sorted(set(sizes))


def subsets(members: int, sizes: str | Sequence[int], per_size: int, seed: int) -> np.ndarray:
    """The ensembles to evaluate as bool [E, M], by size and then in lexicographic order of their members.

    If there are too many ensembles of these sizes, `per_size` different ones of each size are drawn at random (all, if
    a size does not have more). The sample is stratified by size and depends only on `seed` and the number of members.
    """
    if is_exhaustive(members, sizes):
        return np.concatenate([_all_of_size(members, size) for size in _sizes(members, sizes)])
    return np.concatenate([_some_of_size(members, size, per_size, seed) for size in _sizes(members, sizes)])


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


def sum_over_pairs(chosen: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    def of_block(block: np.ndarray) -> np.ndarray:
        members = block.astype(np.float64)
        return np.einsum("em,em->e", members @ matrix, members)

    return in_blocks(chosen, of_block)


def in_blocks(chosen: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`function` of all ensembles, some thousand at a time: its arrays [E, M] take no memory and stay in the cache."""
    starts = range(0, max(1, len(chosen)), BLOCK_ENSEMBLES)
    return np.concatenate([function(chosen[start : start + BLOCK_ENSEMBLES]) for start in starts])
