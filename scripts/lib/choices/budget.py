"""The best ensemble that a budget allows: exact if all ensembles were scored, else greedy by gain per cost."""

from collections.abc import Callable, Mapping

import numpy as np

from scripts.lib.jobs.errors import StudyError

STARTS = 10
LEAST_SHARE = 1e-12  # of a member that costs nothing
Losses = Callable[[np.ndarray], np.ndarray]  # takes ensembles, bool [E, M]; returns float64 [E]


def within_budget(chosen: np.ndarray, costs: Mapping[str, np.ndarray], budget: Mapping[str, float]) -> np.ndarray:
    """Which ensembles of `chosen`, bool [E, M], cost at most `budget` in every respect that it states, bool [E].

    `costs` has the cost of each member, float64 [M], in each of these respects. A sum may exceed its limit by rounding.
    """
    fits = np.ones(len(chosen), bool)
    for name, most in budget.items():
        fits &= chosen @ costs[name] <= most * (1 + 1e-12)
    return fits


def require_affordable(costs: Mapping[str, np.ndarray], budget: Mapping[str, float], members: int) -> None:
    """Raise StudyError for a budget in a cost that is not known, or that no member meets."""
    for name in budget:
        if name not in costs:
            raise StudyError(
                f"deployment/budget/{name}: {name} is not known for every member of the study. State it for the "
                f"members in files (key `{name}`), or remove it from the budget."
            )
    alone = np.eye(members, dtype=bool)
    if not within_budget(alone, costs, budget).any():
        least = ", ".join(f"{name} {costs[name].min():g} (limit {most:g})" for name, most in budget.items())
        raise StudyError(
            f"deployment/budget: no member meets it; the smallest values of any member are {least}. Raise the limits."
        )


def best_within_budget(
    chosen: np.ndarray, losses: np.ndarray, costs: Mapping[str, np.ndarray], budget: Mapping[str, float]
) -> int:
    """The row of `chosen`, bool [E, M], with the smallest of the `losses` [E] that the budget allows.

    Of equals the cheapest in the first respect that the budget states, then the smallest, then the first.
    """
    rows = np.flatnonzero(within_budget(chosen, costs, budget))
    best = rows[losses[rows] == losses[rows].min()]
    first = next(iter(budget))
    order = np.lexsort((chosen[best].sum(1), chosen[best] @ costs[first]))
    return int(best[order[0]])


def greedy_within_budget(
    losses: Losses, members: int, costs: Mapping[str, np.ndarray], budget: Mapping[str, float]
) -> np.ndarray:
    """An ensemble, bool [M], within the budget: members are added by their gain per cost as long as they help.

    A member's cost is its largest share of any limit. This is done from each of the ten best single members that the
    budget allows, and the best result is taken, so it is never worse than the best of them alone.
    """
    alone = np.eye(members, dtype=bool)
    single = np.where(within_budget(alone, costs, budget), losses(alone), np.inf)
    starts = [member for member in np.argsort(single, kind="stable")[:STARTS] if np.isfinite(single[member])]
    found = [_grown(alone[member], float(single[member]), losses, costs, budget) for member in starts]
    return min(found, key=lambda result: result[1])[0]


def _grown(
    ensemble: np.ndarray, loss: float, losses: Losses, costs: Mapping[str, np.ndarray], budget: Mapping[str, float]
) -> tuple[np.ndarray, float]:
    """An ensemble with what helps most per cost, as long as something that the budget allows helps; and its loss."""
    share = np.max([costs[name] / most for name, most in budget.items()], axis=0)
    while not ensemble.all():
        larger = (ensemble | np.eye(len(ensemble), dtype=bool))[~ensemble]
        larger = larger[within_budget(larger, costs, budget)]
        after = losses(larger)
        gain = (loss - after) / np.maximum((larger & ~ensemble) @ share, LEAST_SHARE)
        if not len(gain) or gain.max() <= 0:
            break
        ensemble, loss = larger[gain.argmax()], float(after[gain.argmax()])
    return ensemble, loss
