"""Weights of a stacked average: not negative, with the smallest negative log-likelihood (NLL)."""

import numpy as np

from kernels.average_nll import FLOOR
from scripts.lib.jobs.job import log

MOST_STEPS = 10_000
MOST_GAP = 1e-6  # nats
LEAST_WEIGHT = 1e-9  # a smaller weight is 0


def stacking_weights(true: np.ndarray) -> np.ndarray:
    """Weights float64 [M], not negative, with sum 1, of the smallest mean of −ln Σ w_i p_i(y).

    `true` float64 [M, n] are the probabilities that the members give to the true classes; below the floor of
    `kernels.average_nll` they count as the floor. The problem is convex. In place of the condition that the weights sum
    to 1, their sum is added to what is minimised: of all multiples of a solution, that with sum 1 is then the best. At
    the solution, the mean of p_i(y) / p̄(y) is 1 for members with a weight and at most 1 for the others; what is above
    1 bounds how far the NLL is from the smallest possible one. The log says so if that is more than 1e-6 nats.
    """
    from scipy.optimize import minimize  # takes a second to import

    values = np.maximum(true, FLOOR)
    members, samples = values.shape

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        mixed = weights @ values
        return float(weights.sum() - np.log(mixed).mean()), 1 - values @ (1 / mixed) / samples

    start = np.full(members, 1 / members)
    options = {"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "ftol": 0, "gtol": MOST_GAP / 100, "maxcor": 30}
    # Not exactly 0, so that the mean of no sample is 0 on the way.
    bounds = [(LEAST_WEIGHT / 10, None)] * members
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    weights = _polished(found / found.sum(), values)
    if (gap := optimality_gap(weights, values)) > MOST_GAP:
        log.warning("the negative log-likelihood of the stacked average may be %.2g nats above the smallest one", gap)
    return weights


def optimality_gap(weights: np.ndarray, true: np.ndarray) -> float:
    """How far the NLL of these weights can be from the smallest possible one, in nats (Frank & Wolfe 1956)."""
    return float((true @ (1 / (weights @ true))).max() / true.shape[1] - 1)


def _polished(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Some steps of expectation maximisation, each of which lowers the NLL; then weights of almost 0 become 0."""
    for _ in range(20):
        weights = weights * (values @ (1 / (weights @ values))) / values.shape[1]
    weights = np.where(weights < LEAST_WEIGHT, 0, weights)
    return weights / weights.sum()
