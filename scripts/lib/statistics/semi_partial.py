"""Double semi-partial permutations of a pairwise matrix (Dekker, Krackhardt & Snijders 2007, Psychometrika 72).

The matrix of a diversity is regressed on what the quality of both members of a pair says. What is left, the residual,
is permuted: rows and columns together, as the members are what can be exchanged. Each permuted residual is correlated
with the outcome of the ensembles, with the controls held fixed. The fitted part need not be added again, because the
controls take it away.
"""

from collections.abc import Iterator

import numpy as np

from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.coefficients import ROUNDING, product, smallest_length, standardised
from scripts.lib.statistics.permutations import MOST_MOMENTS, means_by_looking_up

CONTROLS = 3  # of each property of the members
BLOCK_PERMUTATIONS = 1024  # with 45 members, an array of 8 MB


def controls_of(properties: np.ndarray) -> np.ndarray:
    """The controls [3 P, M, M] of P properties of the members [P, M], such as their accuracies."""
    return np.concatenate([control_matrices(values) for values in properties])


def control_matrices(values: np.ndarray) -> np.ndarray:
    """What a property [M] of both members of a pair says, [3, M, M], without unit.

    The mean of both values, the mean of their squares, and their product: every polynomial of the second degree that
    does not depend on the order of the two members is a sum of these and a constant. Averaged over the pairs of an
    ensemble, the first one is the mean of its members. The others are needed because a diversity that follows accuracy
    does so along a curve, and what straight lines leave of the curve would pass for an effect.
    """
    spread = values.std()
    if not spread > ROUNDING * np.abs(values).max():
        return np.zeros((CONTROLS, len(values), len(values)))
    standard = (values - values.mean()) / spread
    first, second = standard[:, None], standard[None]
    return np.stack([(first + second) / 2, (first**2 + second**2) / 2, first * second])


def residuals(matrix: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """What least squares over all pairs leave of a symmetric `matrix` [M, M], given `controls` [n, M, M].

    0 where only rounding is left, and NaN throughout if a pair has no value. The diagonal is 0.
    """
    pairs = np.triu_indices(len(matrix), 1)
    values, left = matrix[pairs], np.zeros_like(matrix)
    if np.isnan(values).any():
        return np.full_like(matrix, np.nan)
    design = np.stack([np.ones(len(values)), *(control[pairs] for control in controls)], axis=1)
    of_pairs = values - design @ np.linalg.lstsq(design, values)[0]
    if len(values) and np.linalg.norm(of_pairs) > smallest_length(values[None]).item():
        left[pairs] = of_pairs
    return left + left.T


def affordable(permutations: int, members: int) -> int:
    """How many permutations to make: a tenth if pairs must be looked up for each, which is slow for many members."""
    return permutations if _has_moments(members) else -(-permutations // 10)


def _has_moments(members: int) -> bool:
    return members * (members - 1) // 2 <= MOST_MOMENTS


def permuted_partial(
    matrices: np.ndarray, controls: np.ndarray, outcomes: np.ndarray, ensembles: Ensembles, orders: np.ndarray
) -> np.ndarray:
    """Partial correlation with `outcomes` [K, E] of the mean of each of `matrices` [A, M, M] over the pairs of each
    ensemble, for each order of the members, int [R, M]. Returns [A, R, K].

    Ensembles are compared with others of their size, and the means of `controls` [n, M, M] are held fixed.
    """
    blocks = (orders[start : start + BLOCK_PERMUTATIONS] for start in range(0, len(orders), BLOCK_PERMUTATIONS))
    if _has_moments(len(controls[0])):
        parts = _from_moments(matrices, controls, outcomes, ensembles, blocks)
    else:
        parts = _by_looking_up(matrices, controls, outcomes, ensembles, blocks)
    return np.concatenate([*parts], axis=1)


def _from_moments(
    matrices: np.ndarray, controls: np.ndarray, outcomes: np.ndarray, ensembles: Ensembles, blocks: Iterator[np.ndarray]
) -> Iterator[np.ndarray]:
    """From moments of the weights, because a mean over pairs is a weighted sum of values of pairs."""
    members, (first, second) = len(controls[0]), np.triu_indices(len(controls[0]), 1)
    within = ensembles.within_sizes(outcomes)
    scatter = sum(ensembles.scatter_of_pairs[str(size)] for size in ensembles.of_size)
    shared, of_controls = ensembles.pairs_with_outcomes(within), controls[:, first, second]
    loads = scatter @ of_controls.T
    inverse = pseudo_inverse(of_controls @ loads)
    with_controls = of_controls @ shared
    shared = shared - loads @ inverse @ with_controls
    left = np.einsum("ke,ke->k", within, within) - np.einsum("ck,cd,dk->k", with_controls, inverse, with_controls)
    for orders in blocks:
        values = matrices.reshape(len(matrices), -1).take(orders[:, first] * members + orders[:, second], axis=1)
        # Where all ensembles are there, how much their means vary does not depend on the order.
        varied = values[:, :1] if ensembles.complete else values
        explained = values @ loads
        squares = ((varied @ scatter) * varied).sum(-1) - ((explained @ inverse) * explained).sum(-1)
        smallest = (ROUNDING * np.abs(values[:, :1]).max(-1)) ** 2 * len(ensembles.chosen)
        scale = np.sqrt(np.where(squares > smallest, squares, np.nan))[..., None]
        yield np.clip(values @ shared / (scale * np.sqrt(np.where(left > 0, left, np.nan))), -1, 1)


def _by_looking_up(
    matrices: np.ndarray, controls: np.ndarray, outcomes: np.ndarray, ensembles: Ensembles, blocks: Iterator[np.ndarray]
) -> Iterator[np.ndarray]:
    """As `_from_moments`, from the means of all ensembles for each order."""
    unchanged = np.arange(len(controls[0]))[None]
    of_controls = ensembles.within_sizes(means_by_looking_up(controls, ensembles)(unchanged)[:, 0])
    _, lengths, directions = np.linalg.svd(of_controls, full_matrices=False)
    basis = directions[lengths > np.sqrt(ROUNDING) * lengths.max()]  # controls may say the same; as `pseudo_inverse`

    def left(values: np.ndarray) -> np.ndarray:
        centred = ensembles.within_sizes(values)
        return standardised(centred - centred @ basis.T @ basis)

    of_outcomes, means = left(outcomes), means_by_looking_up(matrices, ensembles)
    for orders in blocks:
        yield np.concatenate([product(left(means(order[None])), of_outcomes) for order in orders], axis=1)


def pseudo_inverse(scatter: np.ndarray) -> np.ndarray:
    """Of scatter matrices [..., n, n] of the controls; a control that does not vary takes nothing away."""
    return np.linalg.pinv(scatter, rcond=ROUNDING, hermitian=True)
