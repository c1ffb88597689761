"""Does a loss that balances the members' and the ensemble's accuracy give more resilient ensembles than either end?

Members of one group are trained on (1 - w) * mean cross-entropy of the members + w * cross-entropy of their average
(the term `joint`). The ends are w = 0, members that are trained independently, and w = 1. Resilience is the accuracy of
the ensemble on the shifted sets, on average over them. Groups of one seed start from the same weights and see the same
images, so differences are paired by seed.

The balanced weight is chosen where a user can choose it: on one half of the clean images, by the accuracy of the
ensembles of the other seeds. It is judged on the other half of every shifted set. Differences are means of this and of
the same with the halves exchanged.
"""

from collections.abc import Sequence

import numpy as np

from scripts.lib.observations.claims import (
    BALANCED_LOSS,
    CONTRADICTED,
    OVER_ENSEMBLE_ONLY,
    OVER_INDEPENDENT,
    SUPPORTED,
    UNDECIDED,
)
from scripts.lib.observations.groups_of_study import (
    FEWEST_SEEDS,
    Results,
    Way,
    common_seeds,
    of_other_seeds,
    with_common_seeds,
)
from scripts.lib.observations.verdict import Estimate, Verdict, estimate_over_seeds, undecided

TERM = "joint"


def verdict(ways: Sequence[Way], results: Results, quantity: str) -> Verdict:
    """The verdict over all shifted sets; `quantity` is the accuracy of an ensemble by the study's first consensus."""
    ladder = balanced_ways(ways)
    seeds = common_seeds(ladder)
    reason = _reason(ladder, seeds, len(results.datasets))
    if reason:
        return undecided(BALANCED_LOSS, OVER_INDEPENDENT, 0, reason)
    accuracies = np.stack([results.of(way, seeds, quantity) for way in ladder])
    differences = _differences(accuracies)  # [2, S, D]
    names = (OVER_INDEPENDENT, OVER_ENSEMBLE_ONLY)
    over_all = [
        estimate_over_seeds(name, of_end[:, 1:].mean(1)) for name, of_end in zip(names, differences, strict=True)
    ]
    others = [
        estimate_over_seeds(name, of_end[:, place], dataset)
        for name, of_end in zip(names, differences, strict=True)
        for place, dataset in enumerate(results.datasets)
    ]
    deciding = min(over_all, key=lambda found: found.low)
    further = [found for found in over_all if found is not deciding] + others
    members = len(ladder) * len(seeds) * len(ladder[0].networks)
    return Verdict(BALANCED_LOSS, _decision(over_all), deciding, further, members, seeds=len(seeds))


def balanced_ways(ways: Sequence[Way]) -> list[Way]:
    """The independent members and those of each weight of the term, of the same networks, from 0 to 1.

    Of several such families of ways (other networks or settings), the one with the most weights; without weights that
    have too few seeds in common with both ends and the other weights.
    """
    found: dict[tuple[object, ...], dict[float, Way]] = {}
    for way in ways:
        if way.is_independent or set(way.loss) == {TERM}:
            key = (*way.settings, way.images)
            found.setdefault(key, {}).setdefault(way.loss.get(TERM, 0.0), way)
    most = max(found.values(), key=len, default={})
    ends = [most[weight] for weight in (0.0, 1.0) if weight in most]
    between = [way for weight, way in sorted(most.items()) if 0 < weight < 1]
    kept = with_common_seeds(ends, between) or between  # without any, the reason counts the seeds
    return [*ends[:1], *kept, *ends[1:]]


def _reason(ladder: Sequence[Way], seeds: Sequence[int], sets: int) -> str:
    weights = [way.loss.get(TERM, 0.0) for way in ladder]
    if not {0.0, 1.0} <= set(weights) or len(weights) < 3:
        return (
            f"there must be groups of the same networks with the weights 0 (no loss) and 1 of the term {TERM!r}, and "
            "with one between them"
        )
    if len(seeds) < FEWEST_SEEDS:
        return f"there must be {FEWEST_SEEDS} seeds that all weights have in common, and there are {len(seeds)}"
    return "" if sets > 1 else "there is no shifted validation set"


def _differences(accuracies: np.ndarray) -> np.ndarray:
    """From accuracies [W, S, D, 2], weights from 0 to 1: chosen weight minus each end, [2, S, D]."""
    both = []
    for half in (0, 1):
        on_clean = np.stack([of_other_seeds(of_way[:, 0, half]) for of_way in accuracies[1:-1]])  # [W - 2, S]
        chosen = 1 + on_clean.argmax(0)
        judged = accuracies[..., 1 - half]
        best = judged[chosen, np.arange(judged.shape[1])]  # [S, D]
        both.append(np.stack([best - judged[0], best - judged[-1]]))
    return np.asarray(np.mean(both, axis=0))


def _decision(over_ends: Sequence[Estimate]) -> str:
    if all(found.low > 0 for found in over_ends):
        return SUPPORTED
    return CONTRADICTED if any(found.high < 0 for found in over_ends) else UNDECIDED
