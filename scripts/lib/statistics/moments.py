"""Sums over all ensembles of some sizes, without looking at each ensemble.

If every subset of the members that has one of these sizes is an ensemble, counting says how many ensembles contain
given members. So sums of products of means over pairs follow from the matrices of pairs, and sums of their products
with an outcome follow from the sums of the outcome over all ensembles that contain two or three given members.
"""

from collections.abc import Iterable
from math import comb

import numpy as np


def number_with(given: int, members: int, size: int) -> int:
    """How many ensembles of `size` out of so many `members` contain the `given` ones."""
    return comb(members - given, size - given) if given <= min(size, members) else 0


def pairs_of(members: int) -> tuple[np.ndarray, np.ndarray]:
    """Which pairs there are, as a matrix [F, M] with 1 where a pair contains a member, and which of them are left,
    bool [1 + M, F], among all members (index 0) and without member m (index 1 + m); pairs as `triu_indices`."""
    first, second = np.triu_indices(members, 1)
    contains = np.zeros((len(first), members))
    contains[range(len(first)), first] = contains[range(len(first)), second] = 1
    return contains, np.concatenate([np.ones((1, len(first)), bool), contains.T == 0])


def centred_pairs(matrices: np.ndarray) -> np.ndarray:
    """Values of pairs in `matrices` [n, M, M] less their mean, [1 + M, n, F]: of all members and without each.

    A pair of the member that is left out has 0. A matrix with a NaN has NaN only.
    """
    _, left = pairs_of(matrices.shape[1])
    first, second = np.triu_indices(matrices.shape[1], 1)
    values = matrices[:, first, second]
    values = values - values.mean(1, keepdims=True)  # less is lost where a member is left out
    means = values @ left.T / np.maximum(left.sum(1), 1)
    return (values - means.T[:, :, None]) * left[:, None]


def scatter_of_means(centred: np.ndarray, members: int, sizes: Iterable[int]) -> np.ndarray:
    """Scatter matrices [1 + M, n, n] of means over the pairs of all ensembles of these sizes.

    `centred` are values of pairs as `centred_pairs` has them. The mean over ensembles of one size is that over all
    pairs, so these are deviations from the mean of a size as well as from that of all ensembles.

    For M members, the number of ensembles of k members with two pairs in them is C(M - 2, k - 2), C(M - 3, k - 3) or
    C(M - 4, k - 4), if they have two, three or four members. Values that add up to 0 need only two of these sums: of
    products of values, and of products of the members' sums of values; the others follow. By Pascal's rule, nothing is
    subtracted.
    """
    contains, _ = pairs_of(members)
    of_members = centred @ contains
    products = centred @ centred.transpose(0, 2, 1), of_members @ of_members.transpose(0, 2, 1)
    weights = np.array([_weights(members, sizes)] + [_weights(members - 1, sizes)] * members)
    return weights[:, 0, None, None] * products[0] + weights[:, 1, None, None] * products[1]


def _weights(members: int, sizes: Iterable[int]) -> tuple[float, float]:
    """With which weights the two sums of `scatter_of_means` enter."""
    of_pairs, of_members = 0.0, 0.0
    for size in sizes:
        if size < members:  # a single ensemble has no scatter
            items = comb(size, 2)
            of_pairs += (comb(members - 4, size - 2) if members > 3 else 1) / items**2
            of_members += (comb(members - 4, size - 3) if size > 2 else 0) / items**2
    return of_pairs, of_members


def products_with_outcomes(centred: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Sums of products of means over pairs with outcomes [1 + M, n, K], over all ensembles and without each member.

    `centred` are values of pairs as `centred_pairs` has them. `sums` [K, M, M, M] are those of the outcomes, each
    divided by the number of pairs of its ensemble, over all ensembles that contain three members.
    """
    first, second = np.triu_indices(sums.shape[1], 1)
    with_pair = sums[:, first, second, second]
    without = with_pair[:, :, None] - sums[:, first, second]
    return centred @ np.concatenate([with_pair.T[None], without.transpose(2, 1, 0)])


def sums_with_three(values: np.ndarray, members: int) -> np.ndarray:
    """Sums of `values` [K, 2^M] over all ensembles that contain members i, j and k, [K, M, M, M].

    Members may be equal: [i, j, j] is over all ensembles that contain i and j.
    """
    low = members // 2
    (contains_low, place_low), (contains_high, place_high) = _few_of(low), _few_of(members - low)
    sums = contains_high @ (_table(values, members) @ contains_low.T)
    bits = 1 << np.arange(members)[::-1]
    numbers = bits[:, None, None] | bits[:, None] | bits
    return sums[:, place_high[numbers >> low], place_low[numbers & (1 << low) - 1]]


def _table(values: np.ndarray, members: int) -> np.ndarray:
    """`values` [K, 2^M] with the first half of the members in the rows, [K, 2^(M - M // 2), 2^(M // 2)]."""
    return values.reshape(len(values), 1 << members - members // 2, 1 << members // 2)


def _few_of(members: int) -> tuple[np.ndarray, np.ndarray]:
    """For up to three members each: whether a subset contains them, [n, 2^M] of 0 and 1, and where n is, int [2^M]."""
    numbers = np.arange(1 << members)
    few = numbers[np.bitwise_count(numbers) <= 3]
    contains = (numbers & few[:, None] == few[:, None]).astype(np.float64)
    place = np.zeros(len(numbers), np.int64)
    place[few] = range(len(few))
    return contains, place


def sums_by_size(values: np.ndarray, members: int) -> np.ndarray:
    """Sums of `values` [K, 2^M] over the ensembles of each size, of all members and without each, [1 + M, 1 + M, K]."""
    table = _table(values, members)
    return np.concatenate([_of_rows(table), _of_rows(table.transpose(0, 2, 1))[:, 1:]], axis=1)


def _of_rows(table: np.ndarray) -> np.ndarray:
    """Sums of `table` [K, 2^m, 2^n] by size, [1 + m + n, 1 + m, K], without each member of the rows."""
    sizes, others = _sizes(table.shape[1]), _sizes(table.shape[2])
    by_size, without = table @ others, _without(table.shape[1])
    sums = np.zeros((sizes.shape[1] + others.shape[1] - 1, without.shape[1], len(table)))
    for size, of_size in enumerate(sizes.T):
        of_rows = (without * of_size[:, None]).T @ by_size
        sums[size : size + others.shape[1]] += of_rows.transpose(2, 1, 0)
    return sums


def products_without(values: np.ndarray, members: int) -> np.ndarray:
    """Sums of products of `values` [K, 2^M] over all ensembles, and over those without each member, [1 + M, K, K]."""
    table = _table(values, members)
    of_rows, of_columns = np.einsum("ars,brs->rab", table, table), np.einsum("ars,brs->sab", table, table)
    parts = [np.einsum("rm,rab->mab", _without(len(each)), each) for each in (of_rows, of_columns)]
    return np.concatenate([parts[0], parts[1][1:]])


def _sizes(subsets: int) -> np.ndarray:
    """Whether each of 2^M subsets has a size, [2^M, 1 + M] of 0 and 1."""
    return np.eye(subsets.bit_length())[np.bitwise_count(np.arange(subsets))]


def _without(subsets: int) -> np.ndarray:
    """1 for each of 2^M subsets, and whether it is without each member, [2^M, 1 + M] of 0 and 1."""
    bits = 1 << np.arange(subsets.bit_length() - 1)[::-1]
    lacks = np.arange(subsets)[:, None] & bits == 0
    return np.concatenate([np.ones((subsets, 1)), lacks], axis=1)
