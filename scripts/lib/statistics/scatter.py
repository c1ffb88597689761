"""How quantities of ensembles vary together within and between sizes, in all ensembles and without each member."""

from dataclasses import dataclass, replace

import numpy as np

from scripts.lib.ensembles.subsets import mean_pairwise
from scripts.lib.ensembles.sums import BLOCK_ENSEMBLES
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.coefficients import smallest_length_of
from scripts.lib.statistics.moments import (
    centred_pairs,
    products_with_outcomes,
    products_without,
    scatter_of_means,
    sums_by_size,
)


@dataclass(frozen=True, eq=False)
class Scatter:
    """Sums of products of deviations of n columns, in all ensembles (index 0) and without member m (index 1 + m).

    `within` [1 + M, n, n] is of deviations from the mean of an ensemble's size, `between` [1 + M, n, n] of these means
    from that of all ensembles; together they are the scatter over all ensembles. `numbers` and `sizes` int64 [1 + M]
    count the ensembles and their different sizes. `smallest` [n] are the lengths of centred columns of all ensembles
    that rounding alone can reach.
    """

    within: np.ndarray
    between: np.ndarray
    numbers: np.ndarray
    sizes: np.ndarray
    smallest: np.ndarray


def scatter_of(ensembles: Ensembles, matrices: np.ndarray, outcomes: np.ndarray) -> Scatter:
    """The columns are the means of symmetric `matrices` [n, M, M] over the pairs of each ensemble, and then the
    `outcomes` [K, E]. A column with a NaN has NaN in all of its sums.
    """
    if ensembles.complete:
        return _from_moments(ensembles, matrices, outcomes)
    means = [mean_pairwise(ensembles.chosen, matrix) for matrix in matrices]
    found = _of_columns(ensembles, np.stack([*means, *outcomes]))
    return replace(found, smallest=np.concatenate([_smallest(ensembles, matrices), found.smallest[len(means) :]]))


def _smallest(ensembles: Ensembles, matrices: np.ndarray) -> np.ndarray:
    """Of the means of `matrices` [n, M, M], which are not larger than the largest value of a pair."""
    pairs = np.triu_indices(matrices.shape[1], 1)
    largest = np.abs(matrices[:, pairs[0], pairs[1]]).max(1, initial=0)
    return smallest_length_of(len(ensembles.chosen), largest)


def _from_moments(ensembles: Ensembles, matrices: np.ndarray, outcomes: np.ndarray) -> Scatter:
    """As `scatter_of`, of complete ensembles. The mean of a matrix is the same for all sizes."""
    members, first, last = matrices.shape[1], slice(len(matrices)), slice(len(matrices), None)
    by_number = ensembles.by_number(ensembles.within_sizes(outcomes))
    sums = sums_by_size(by_number, members)[list(ensembles.of_size)]
    of_outcomes = _of_sums(ensembles, outcomes, sums, products_without(by_number, members))
    smallest = np.concatenate([_smallest(ensembles, matrices), of_outcomes.smallest])
    undefined = smallest * 0  # NaN for a column that has one
    within = np.tile(undefined[:, None] + undefined, (1 + members, 1, 1))
    between, centred = within.copy(), centred_pairs(matrices)
    within[:, first, first] = scatter_of_means(centred, members, ensembles.of_size)
    within[:, first, last] = products_with_outcomes(centred, ensembles.weights_with_three(by_number))
    within[:, last, first] = within[:, first, last].transpose(0, 2, 1)
    within[:, last, last], between[:, last, last] = of_outcomes.within, of_outcomes.between
    return Scatter(within, between, of_outcomes.numbers, of_outcomes.sizes, smallest)


def _of_columns(ensembles: Ensembles, columns: np.ndarray) -> Scatter:
    """The scatter of `columns` [n, E], from one pass over the ensembles."""
    first, second = np.triu_indices(len(columns))
    sums, products = [], np.zeros((1 + ensembles.chosen.shape[1], len(columns), len(columns)))
    within = ensembles.within_sizes(columns)
    for rows in ensembles.of_size.values():
        of_size = _sums(within[:, rows], ensembles.chosen[rows])
        sums.append(of_size[:, : len(columns)])
        products[:, first, second] += of_size[:, len(columns) :]
    products[:, second, first] = products[:, first, second]
    return _of_sums(ensembles, columns, np.reshape(sums, (-1, len(products), len(columns))), products)


def _of_sums(ensembles: Ensembles, columns: np.ndarray, sums: np.ndarray, products: np.ndarray) -> Scatter:
    """The scatter of `columns` [n, E], given sums of their deviations from the mean of each size, over the ensembles of
    that size: `sums` [S, 1 + M, n]; and over all ensembles of `products` [1 + M, n, n] of these deviations.
    """
    counts = ensembles.counts
    deviations = sums / np.maximum(counts, 1)[..., None]
    within = products - np.einsum("sm,smi,smj->mij", counts, deviations, deviations)
    between = _between(ensembles.means_of_sizes(columns)[:, None] + deviations, counts)
    smallest = smallest_length_of(columns.shape[1], np.abs(columns).max(1, initial=0))
    return Scatter(within, between, counts.sum(0), (counts > 0).sum(0), smallest)


def _sums(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Sums of `values` [n, E] and of their products, [1 + M, J], over all ensembles `chosen` and without each member.

    Sums without a member are differences, which lose little because `values` have mean 0.
    """
    first, second = np.triu_indices(len(values))
    width = len(values) + len(first)
    total, inside = np.zeros(width), np.zeros((chosen.shape[1], width))
    for start in range(0, values.shape[1], BLOCK_ENSEMBLES):
        block = values[:, start : start + BLOCK_ENSEMBLES]
        terms = np.concatenate([block, block[first] * block[second]])
        total += terms.sum(1)
        inside += chosen[start : start + BLOCK_ENSEMBLES].T.astype(np.float64) @ terms.T
    return np.concatenate([total[None], total - inside])


def _between(means: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Scatter [1 + M, n, n] of the `means` [S, 1 + M, n] of so many sizes, of `counts` [S, 1 + M] ensembles each."""
    if not len(means):
        return np.zeros((means.shape[1], means.shape[2], means.shape[2]))
    shares = counts / np.maximum(counts.sum(0), 1)
    deviations = means - (shares[..., None] * means).sum(0)
    return np.einsum("sm,smi,smj->mij", counts, deviations, deviations)
