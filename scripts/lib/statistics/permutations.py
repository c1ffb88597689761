"""p-values of correlations from permuting the labels of the members (Mantel 1967).

Every ensemble gets the diversity of other members. Its mean over pairs is a weighted sum of the values that are
permuted, so a correlation follows from the moments of the weights, and no permutation needs a pass over the ensembles.
With many members these moments are too large, while ensembles are then few and small: their pairs are looked up for
each permutation.
"""

from collections.abc import Callable

import numpy as np

from scripts.lib.jobs.randomness import derive
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.coefficients import ROUNDING, product, standardised

# Pairs of members up to which moments are faster than looking up the pairs of some thousand ensembles: 45 members. The
# moments of each size then take 8 MB.
MOST_MOMENTS = 1000
BLOCK_PERMUTATIONS = 32


def random_orders(members: int, permutations: int, seed: int, stream: str = "permutations") -> np.ndarray:
    """Random orders of the members, int [permutations, M]: the same for every dataset and measure of a study.

    Orders of another random `stream` are independent of these.
    """
    generator = np.random.default_rng(derive(seed, stream))
    return generator.permuted(np.tile(np.arange(members), (permutations, 1)), axis=1)


def permutation_p_values(observed: np.ndarray, permuted: np.ndarray) -> np.ndarray:
    """Two-sided p-values of correlations [A, K], given those of R permutations of the members.

    `permuted` is [A, R, K]. p = (1 + permutations at least as extreme) / (1 + R), because the observed labelling is one
    of the possible ones. A permutation without a correlation counts as extreme; NaN if nothing was observed.
    """
    less_extreme = np.abs(permuted) < np.abs(observed)[:, None] - ROUNDING
    count = permuted.shape[1]
    return np.where(np.isnan(observed), np.nan, (1 + count - less_extreme.sum(1)) / (1 + count))


def permuted_pearson(
    sources: np.ndarray, outcomes: dict[str, np.ndarray], ensembles: Ensembles, orders: np.ndarray
) -> dict[str, np.ndarray]:
    """Correlation with the outcomes of each ensemble's mean of `sources`, for each order of the members.

    `sources` are symmetric matrices [A, M, M], averaged over pairs, or numbers [A, M], averaged over members; `orders`
    is int [R, M]; `outcomes` has the rows [K, n] of some groups of ensembles, `standardised`. Returns [A, R, K] for
    each of these groups.
    """
    members = ensembles.chosen.shape[1]
    pairs = sources.ndim == 3
    if members * (members - 1) // 2 > MOST_MOMENTS:
        return _by_looking_up(sources, outcomes, ensembles, orders)
    if pairs:
        first, second = np.triu_indices(members, 1)
        values = sources[:, orders[:, first], orders[:, second]]
    else:
        values = sources[:, orders]
    values = np.ascontiguousarray(values)  # BLAS cannot use the layout that indexing returns
    values -= values.mean(-1, keepdims=True)
    scatter = ensembles.scatter_of_pairs if pairs else ensembles.scatter_of_members
    permuted = {}
    for name, of_group in outcomes.items():
        rows = ensembles.groups[name]
        length = np.sqrt(np.maximum(((values @ scatter[name]) * values).sum(-1, keepdims=True), 0))
        shared = ensembles.with_outcomes(rows, of_group, pairs)
        permuted[name] = values @ shared / np.where(length > ROUNDING * np.sqrt(rows.stop - rows.start), length, np.nan)
    return permuted


def _by_looking_up(
    sources: np.ndarray, outcomes: dict[str, np.ndarray], ensembles: Ensembles, orders: np.ndarray
) -> dict[str, np.ndarray]:
    """As `permuted_pearson`, from the means of all ensembles for each order."""
    blocks = [orders[start : start + BLOCK_PERMUTATIONS] for start in range(0, len(orders), BLOCK_PERMUTATIONS)]
    permuted: dict[str, list[np.ndarray]] = {name: [] for name in outcomes}
    for means in map(means_by_looking_up(sources, ensembles), blocks):
        for name, of_group in outcomes.items():
            permuted[name].append(product(standardised(means[..., ensembles.groups[name]]), of_group))
    return {name: np.concatenate(parts, axis=1) for name, parts in permuted.items()}


def means_by_looking_up(sources: np.ndarray, ensembles: Ensembles) -> Callable[[np.ndarray], np.ndarray]:
    """A function that takes orders, int [r, M], and returns the mean of each ensemble for each of them, [A, r, E]."""
    members, pairs = ensembles.chosen.shape[1], sources.ndim == 3
    tables = sources.reshape(len(sources), -1)
    items = [_items(ensembles.chosen[rows], size, pairs) for size, rows in ensembles.of_size.items()]
    first, second = (np.concatenate([of_size[which].ravel() for of_size in items]) for which in (0, 1))
    shapes = [of_size.shape[1:] for of_size in items]

    def of_orders(orders: np.ndarray) -> np.ndarray:
        means = np.empty((len(sources), len(orders), len(ensembles.chosen)))
        for number, order in enumerate(orders):
            index = (order * members).take(first) + order.take(second) if pairs else order.take(first)
            values, start = np.stack([table.take(index) for table in tables]), 0
            for rows, (count, width) in zip(ensembles.of_size.values(), shapes, strict=True):
                stop = start + count * width
                means[:, number, rows] = values[:, start:stop].reshape(-1, count, width).mean(1)
                start = stop
        return means

    return of_orders


def _items(chosen: np.ndarray, size: int, pairs: bool) -> np.ndarray:
    """The positions of the pairs, or of the members, of ensembles of one size, int [2, items, n]."""
    positions = np.nonzero(chosen)[1].reshape(-1, size).T
    first, second = np.triu_indices(size, 1) if pairs else (np.arange(size), np.arange(size))
    return np.stack([positions[first], positions[second]])
