"""Are ensembles of different architectures more resilient than ensembles of one architecture?

The resilience of an ensemble is its effective robustness (`statistics.robustness`): the accuracy on a shifted set
beyond what single members with the same accuracy on the clean set have. It is regressed, over all ensembles, on their
size, on the mean over their pairs of "the members are of different families" (1 or 0), and on six controls: three
functions each of the members' accuracies on the shifted and on the clean set (`semi_partial.controls_of`). The slope is
the difference in points between an ensemble whose members are all of different families and one of a single family.

Families are not measured on images, so no chance is shared and nothing is divided into halves. Intervals leave out one
member with all of its ensembles; the line of the single members is not fitted again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scripts.lib.observations.claims import MARGIN, RESILIENCE_OF_ENSEMBLES
from scripts.lib.observations.verdict import Verdict, below, estimate, undecided
from scripts.lib.statistics.adjusted import adjusted
from scripts.lib.statistics.by_size import Ensembles
from scripts.lib.statistics.effects import has_enough_members
from scripts.lib.statistics.robustness import Counts, effective_robustness, fit_line
from scripts.lib.statistics.scatter import scatter_of
from scripts.lib.statistics.semi_partial import CONTROLS, controls_of

SLOPE = "points_from_one_family_to_all_different"


@dataclass(frozen=True)
class ShiftedSet:
    """Correct answers on a shifted set, and of the same on the clean set: of the members [M] and the ensembles [E]."""

    name: str
    members: Counts
    ensembles: Counts
    clean_members: Counts
    clean_ensembles: Counts


def verdict(families: Sequence[str | None], chosen: np.ndarray, shifted: Sequence[ShiftedSet]) -> Verdict:
    """The verdict over all shifted sets; `chosen` bool [E, M] are the ensembles, in the order of their sizes."""
    known = tuple(place for place, family in enumerate(families) if family is not None)
    names = np.array([families[place] for place in known], dtype=object)
    differ = (names[:, None] != names).astype(np.float64)
    reason = _reason(differ, bool(shifted))
    if reason:
        return undecided(RESILIENCE_OF_ENSEMBLES, SLOPE, len(known), reason)
    rows, ensembles = Ensembles(chosen).part(known)
    slopes = np.array([_slopes(each, np.array(known), rows, differ, ensembles) for each in shifted])
    others = [estimate(SLOPE, of_set, each.name) for each, of_set in zip(shifted, slopes, strict=True)]
    deciding = estimate(SLOPE, slopes.mean(0))
    lines = (fit_line(each.clean_members, each.members).reason for each in shifted)
    nothing_left = "size and accuracies leave nothing of the difference in families"
    reason = "" if np.isfinite(deciding.low) else next(filter(None, lines), nothing_left)
    return Verdict(RESILIENCE_OF_ENSEMBLES, below(MARGIN, deciding), deciding, others, len(known), reason)


def _reason(differ: np.ndarray, has_shift: bool) -> str:
    members = len(differ)
    if not has_shift:
        return "there is no shifted validation set"
    if not has_enough_members(members, 2 * CONTROLS):
        return "there must be at least six members whose family is known"
    pairs = differ[np.triu_indices(members, 1)]
    if pairs.min() == pairs.max():
        return "all members are of one family, or all of different families"
    return ""


def _slopes(
    shifted: ShiftedSet, known: np.ndarray, rows: np.ndarray, differ: np.ndarray, ensembles: Ensembles
) -> np.ndarray:
    """The slopes [1 + M] of all ensembles of the known members, and without each of these members."""
    line = fit_line(shifted.clean_members, shifted.members)
    clean, outcome = (Counts(of.right[rows], of.samples) for of in (shifted.clean_ensembles, shifted.ensembles))
    properties = np.stack([of.shares()[known] for of in (shifted.members, shifted.clean_members)])
    matrices, robust = np.stack([*controls_of(properties), differ]), effective_robustness(clean, outcome, line)
    found = adjusted(scatter_of(ensembles, matrices, robust[None]), len(matrices) - 1)
    return found.slopes(slice(0, 1), slice(1, 2))[:, 0, 0]
