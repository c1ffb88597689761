"""Do different architectures give more diversity than negative correlation learning (NCL), at equal cost and accuracy?

Groups of different architectures, trained independently, are compared with groups of one architecture whose members
are trained with a penalty on being alike, in how different the members' predictions, attributions and activations are,
on average over the pairs of a group and over the validation sets. All groups must cost about the same: operations
within a tenth, and the same number of training images and epochs.

A strong penalty makes any members differ, if their accuracy does not matter. So of all penalties and weights, those
count whose members are on average as accurate as the different architectures, within a point, and of them, on each axis
the most diverse one. Both are seen on one half of the images (the accuracy on the clean ones), by the groups of the
other seeds, and the difference is judged on the other half of all sets. Differences are means of this and of the same
with the halves exchanged, and are paired by seed.
"""

from collections.abc import Sequence

import numpy as np

from scripts.lib.ensembles.group_quantities import MEMBER_ACCURACY
from scripts.lib.measures.spec import MEASURES
from scripts.lib.observations.claims import ARCHITECTURES_OR_NCL, CONTRADICTED, IN_DIVERSITY, SUPPORTED, UNDECIDED
from scripts.lib.observations.groups_of_study import (
    FEWEST_SEEDS,
    Results,
    Way,
    common_seeds,
    equal_cost,
    of_other_seeds,
)
from scripts.lib.observations.verdict import Estimate, Verdict, estimate_over_seeds, undecided

POINTS = 1.0
# On each axis, the first of these measures that a study has.
AXES = {
    "predictions": ("disagreement",),
    "attributions": ("attribution_similarity",),
    "activations": ("unbiased_activation_similarity", "activation_similarity"),
}
BALANCED = "joint"  # a loss of accuracy, not a penalty on being alike: the subject of another observation


def verdict(ways: Sequence[Way], results: Results) -> Verdict:
    """The verdict over all validation sets; undecided, with the reason, where groups do not suffice."""
    first = IN_DIVERSITY["predictions"]
    mixed = [way for way in ways if way.is_independent and way.of_different_families]
    if not mixed:
        return undecided(ARCHITECTURES_OR_NCL, first, 0, "the study has no group of different architecture families")
    measures = {axis: name for axis, names in AXES.items() if (name := _measured(names, results))}
    if len(measures) < len(AXES):
        missing = ", ".join(axis for axis in AXES if axis not in measures)
        return undecided(ARCHITECTURES_OR_NCL, first, 0, f"the study measures no diversity of {missing}")
    found = [(way, _rivals(ways, way)) for way in mixed]
    different, rivals = max(found, key=lambda each: (len(each[1]), len(each[0].groups)))
    seeds = common_seeds([different, *rivals])
    if not rivals or len(seeds) < FEWEST_SEEDS:
        reason = (
            f"there must be {FEWEST_SEEDS} seeds that different architectures and members of one architecture that are "
            "trained with NCL, at equal cost, have in common"
        )
        return undecided(ARCHITECTURES_OR_NCL, first, 0, f"{reason}, for all weights" if rivals else reason)
    return _compared(different, rivals, seeds, results, measures)


def _measured(names: Sequence[str], results: Results) -> str:
    return next((MEASURES[name].diversity for name in names if results.has(MEASURES[name].diversity)), "")


def _rivals(ways: Sequence[Way], different: Way) -> list[Way]:
    """Those that can be compared. None with enough seeds is left out: it may be the one that decides."""
    rivals = [way for way in ways if _is_rival(way, different)]
    return [way for way in rivals if len(common_seeds([different, way])) >= FEWEST_SEEDS]


def _is_rival(way: Way, different: Way) -> bool:
    penalised = not way.is_independent and BALANCED not in way.loss
    same_size = len(way.networks) == len(different.networks)
    return penalised and way.of_one_architecture and same_size and equal_cost(different, way)


def _compared(
    different: Way, rivals: Sequence[Way], seeds: Sequence[int], results: Results, measures: dict[str, str]
) -> Verdict:
    own = results.of(different, seeds, MEMBER_ACCURACY)[:, 0]  # on the clean set [S, 2]
    theirs = np.stack([results.of(way, seeds, MEMBER_ACCURACY)[:, 0] for way in rivals])  # [R, S, 2]
    as_accurate = np.stack([np.abs(of_other_seeds(way) - of_other_seeds(own)) <= POINTS for way in theirs])
    members = (1 + len(rivals)) * len(seeds) * len(different.networks)
    if not as_accurate.any(0).all():
        reason = f"no penalty leaves its members as accurate as the different architectures, within {POINTS:g} point"
        return undecided(ARCHITECTURES_OR_NCL, IN_DIVERSITY["predictions"], members, reason)
    found, others = [], []
    for axis, measure in measures.items():
        values = np.stack([results.of(way, seeds, measure) for way in (different, *rivals)])
        differences = _differences(values[0], values[1:], as_accurate)  # [S, D]
        found.append(estimate_over_seeds(IN_DIVERSITY[axis], differences.mean(1)))
        others += [
            estimate_over_seeds(IN_DIVERSITY[axis], differences[:, place], dataset)
            for place, dataset in enumerate(results.datasets)
        ]
    deciding = min(found, key=_strength)
    further = [each for each in found if each is not deciding] + others
    return Verdict(ARCHITECTURES_OR_NCL, _decision(found), deciding, further, members, seeds=len(seeds))


def _differences(own: np.ndarray, theirs: np.ndarray, as_accurate: np.ndarray) -> np.ndarray:
    """Diversity of the architectures [S, D, 2] minus that of the most diverse of `theirs` [R, S, D, 2] that is as
    accurate (bool [R, S, 2]), judged on the half on which it was not chosen: [S, D]."""
    both = []
    for half in (0, 1):
        seen = np.stack([of_other_seeds(way[..., half].mean(1)) for way in theirs])  # [R, S]
        chosen = np.where(as_accurate[..., half], np.nan_to_num(seen, nan=-np.inf), -np.inf).argmax(0)
        judged = theirs[chosen, np.arange(own.shape[0]), :, 1 - half]
        both.append(own[..., 1 - half] - judged)
    return np.asarray(np.mean(both, axis=0))


def _strength(found: Estimate) -> float:
    """How far above 0 an estimate is, in units of half its interval."""
    half = (found.high - found.low) / 2
    return found.value / half if half > 0 else float(np.sign(found.value)) * np.inf


def _decision(found: Sequence[Estimate]) -> str:
    if all(each.low > 0 for each in found):
        return SUPPORTED
    return CONTRADICTED if any(each.high < 0 for each in found) else UNDECIDED
