"""Sums over the members and over the pairs of members of each ensemble, some thousand ensembles at a time."""

from collections.abc import Callable

import numpy as np

# Ensembles that are computed with at once, here and in `statistics`: arrays [BLOCK_ENSEMBLES, M] stay in the cache.
BLOCK_ENSEMBLES = 1 << 13


def sum_over_pairs(chosen: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Sum float64 [E] of `matrix` [M, M] over the ordered pairs of each ensemble, each member with itself included."""

    def of_block(block: np.ndarray) -> np.ndarray:
        members = block.astype(np.float64)
        return np.einsum("em,em->e", members @ matrix, members)

    return in_blocks(chosen, of_block)


def in_blocks(chosen: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`function` of all ensembles, some thousand at a time: its arrays [E, M] take no memory and stay in the cache."""
    starts = range(0, max(1, len(chosen)), BLOCK_ENSEMBLES)
    return np.concatenate([function(chosen[start : start + BLOCK_ENSEMBLES]) for start in starts])


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """NaN where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)
