"""Weights of a stacked average: not negative, with the smallest negative log-likelihood (NLL)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernels.average_nll import FLOOR
from scripts.lib.jobs.job import log

MOST_STEPS = 10_000
MOST_GAP = 1e-6  # nats; of one set, and of the mean over sets
MOST_GAP_OF_WORST = 1e-4
LEAST_WEIGHT = 1e-9  # a smaller weight is 0
# The largest of the sets' NLLs is replaced by a smooth function that is above it by at most ln(sets) / sharpness.
SHARPNESS = (10.0, 100.0, 1e3, 1e4, 1e5)


def stacking_weights(sets: Sequence[np.ndarray], worst: bool = False) -> np.ndarray:
    """Weights float64 [M], not negative, with sum 1, of the smallest mean of −ln Σ w_i p_i(y) over samples.

    `sets` have, float64 [M, n] each, the probabilities that the members give to the true classes; below the floor of
    `kernels.average_nll` they count as the floor. Of several sets, the mean of their NLLs is made as small as possible,
    or the largest one (`worst`). Both problems are convex, and a bound says how far the result is from the smallest
    possible value (`optimality_gap`). The log says so if that is more than 1e-6 nats, or 1e-4 for `worst`.
    """
    problem = _Problem([np.maximum(true, FLOOR) for true in sets])
    weights = np.full(problem.members, 1 / problem.members)
    if len(sets) == 1 or not worst:
        weights = _polished(problem.minimised(weights), problem)
        gap, most = optimality_gap(weights, problem.sets), MOST_GAP
    else:
        for sharpness in SHARPNESS:
            weights = problem.minimised(weights, sharpness)
        weights = _without_almost_nothing(weights)
        losses = _losses([weights @ true for true in problem.sets])
        gap = optimality_gap(weights, problem.sets, _shares(losses, SHARPNESS[-1]))
        most = MOST_GAP_OF_WORST
    if gap > most:
        log.warning("the negative log-likelihood of the stacked average may be %.2g nats above the smallest one", gap)
    return weights


def optimality_gap(weights: np.ndarray, sets: Sequence[np.ndarray], shares: np.ndarray | None = None) -> float:
    """How far the NLL of these weights can be from the smallest possible one, in nats (Frank & Wolfe 1956).

    Of several `sets`, the mean NLL; with `shares` float64 [S] that sum to 1, the largest one. Weighted by any shares,
    the NLLs of all sets are at most the largest one, so the smallest possible weighted NLL is below its smallest
    possible value. At the solution of the weighted problem, the mean of p_i(y) / p̄(y) is 1 for members with a weight
    and at most 1 for the others; what is above 1 bounds the distance from it.
    """
    mixed = [weights @ true for true in sets]
    gap = float(_mean_ratios(mixed, sets, _alike(sets) if shares is None else shares).max() - 1)
    if shares is None:
        return gap
    losses = _losses(mixed)
    return gap + float(losses.max() - shares @ losses)


def _alike(sets: Sequence[np.ndarray]) -> np.ndarray:
    return np.full(len(sets), 1 / len(sets))


def _losses(mixed: Sequence[np.ndarray]) -> np.ndarray:
    """The NLL of each set, float64 [S], from the averages of the probabilities of the true classes [n]."""
    return np.array([-np.log(of_set).mean() for of_set in mixed])


def _mean_ratios(mixed: Sequence[np.ndarray], sets: Sequence[np.ndarray], shares: np.ndarray) -> np.ndarray:
    """Means of p_i(y) / p̄(y) over samples, float64 [M], in which each set has its share: minus the slope of the NLL."""
    parts = zip(shares, mixed, sets, strict=True)
    return np.asarray(sum(share * (true @ (1 / of_set)) / true.shape[1] for share, of_set, true in parts))


@dataclass(frozen=True, eq=False)
class _Problem:
    """Probabilities of the true classes of several sets, float64 [M, n] each, none below the floor."""

    sets: list[np.ndarray]

    @property
    def members(self) -> int:
        return len(self.sets[0])

    def minimised(self, start: np.ndarray, sharpness: float | None = None) -> np.ndarray:
        """The weights float64 [M] with the smallest mean NLL, or, with a sharpness, almost the smallest largest one.

        In place of the condition that the weights sum to 1, their sum is added to what is minimised: of all multiples
        of a solution, that with sum 1 is then the best.
        """
        from scipy.optimize import minimize  # takes a second to import

        def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
            mixed = [weights @ true for true in self.sets]
            losses = _losses(mixed)
            shares = _shares(losses, sharpness)
            loss, largest = losses.mean(), losses.max()
            if sharpness is not None:
                loss = largest + np.log(np.exp((losses - largest) * sharpness).sum()) / sharpness
            return float(weights.sum() + loss), 1 - _mean_ratios(mixed, self.sets, shares)

        options = {"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "ftol": 0, "gtol": MOST_GAP / 100, "maxcor": 30}
        # Not exactly 0, so that the mean of no sample is 0 on the way.
        bounds = [(LEAST_WEIGHT / 10, None)] * self.members
        found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
        return np.asarray(found / found.sum())


def _shares(losses: np.ndarray, sharpness: float | None) -> np.ndarray:
    """How much each set counts, float64 [S]: all alike, or, with a sharpness, those with large `losses` more."""
    raised = np.exp((losses - losses.max()) * (sharpness or 0))
    return np.asarray(raised / raised.sum())


def _polished(weights: np.ndarray, problem: _Problem) -> np.ndarray:
    """Some steps of expectation maximisation, each of which lowers the mean NLL; then weights of almost 0 become 0."""
    for _ in range(20):
        mixed = [weights @ true for true in problem.sets]
        weights = weights * _mean_ratios(mixed, problem.sets, _alike(problem.sets))
    return _without_almost_nothing(weights)


def _without_almost_nothing(weights: np.ndarray) -> np.ndarray:
    weights = np.where(weights < LEAST_WEIGHT, 0, weights)
    return weights / weights.sum()
