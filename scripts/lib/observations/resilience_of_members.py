"""Does the architecture of a member say more about its resilience than its size or its accuracy?

Resilience is how much of a member's accuracy is left under shift: Φ⁻¹ of its accuracy on a shifted set minus Φ⁻¹ of its
accuracy on the clean set, on average over the shifted sets. It is regressed on the architecture family, the logarithm
of the number of parameters, and Φ⁻¹ of the clean accuracy. Each of the three has the share ω² of the variance that it
explains beyond the other two (Olejnik & Algina 2003; type III sums of squares).

The outcome is not effective robustness, although that is regressed on the same line: clean accuracy is taken out of
effective robustness by definition, so it could never win. What family and size explain is the same for both.

The clean accuracy that explains is measured on one half of the samples, and everything else on the other half, because
chance on common images would make members that were lucky on the clean set look less resilient. Shares are the means of
this and of the same with the halves exchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scripts.lib.observations.claims import RESILIENCE_OF_MEMBERS
from scripts.lib.observations.verdict import Verdict, above, estimate, undecided
from scripts.lib.statistics.permutations import random_orders
from scripts.lib.statistics.robustness import Counts

TERMS = ("family", "size", "accuracy")
DIFFERENCE = "omega_squared_difference"
FEWEST_LEFT = 3  # members that the regression must leave beyond its coefficients


@dataclass(frozen=True)
class Members:
    """Of M members: families (None if unknown), parameters [M] (NaN if unknown), and correct answers in halves.

    `clean` are the counts on the clean set, and `shifted` those on each of the shifted sets: for each half of the
    samples, index 0 the even and index 1 the odd ones.
    """

    families: Sequence[str | None]
    parameters: np.ndarray
    clean: tuple[Counts, Counts]
    shifted: Sequence[tuple[Counts, Counts]]


@dataclass(frozen=True)
class Regression:
    """One half: `outcome` [M], and the columns [M, k] of each of TERMS."""

    outcome: np.ndarray
    terms: Sequence[np.ndarray]

    def without(self, member: int) -> "Regression":
        return Regression(np.delete(self.outcome, member), [np.delete(term, member, axis=0) for term in self.terms])


def verdict(members: Members, permutations: int, seed: int) -> Verdict:
    """The verdict over all shifted sets; undecided, with the reason, where members or sets do not suffice."""
    known = _known(members)
    reason = _reason(members, known)
    if reason:
        return undecided(RESILIENCE_OF_MEMBERS, DIFFERENCE, len(known), reason)
    halves = [_regression(members, known, half) for half in (0, 1)]
    if any(_follows_from_others(half) for half in halves):
        reason = "families and sizes cannot be told apart: one of them follows from the other and the accuracies"
        return undecided(RESILIENCE_OF_MEMBERS, DIFFERENCE, len(known), reason)
    without = [[half.without(member) for half in halves] for member in range(len(known))]
    shares = np.array([np.mean([omega_squared(half) for half in both], axis=0) for both in (halves, *without)])
    others = [estimate(f"omega_squared_{term}", shares[:, place]) for place, term in enumerate(TERMS)]
    p_value = family_p_value(halves, permutations, seed)
    deciding = estimate(DIFFERENCE, shares[:, 0] - shares[:, 1:].max(1), p_value=p_value)
    reason = "" if np.isfinite(deciding.low) else "without one of the members, there are too few of several families"
    return Verdict(RESILIENCE_OF_MEMBERS, above(0, deciding), deciding, others, len(known), reason)


def _known(members: Members) -> list[int]:
    """The members whose family and size are known."""
    sizes = np.isfinite(members.parameters) & (members.parameters > 0)
    return [place for place, family in enumerate(members.families) if family is not None and sizes[place]]


def _reason(members: Members, known: Sequence[int]) -> str:
    families = [members.families[place] for place in known]
    several = sum(families.count(family) > 1 for family in set(families))
    if not members.shifted:
        return "there is no shifted validation set"
    if several < 2:
        return "there must be at least two architecture families with at least two members each"
    needed = len(set(families)) + 2 + FEWEST_LEFT + 1
    if len(known) < needed:
        return f"{len(set(families))} families need at least {needed} members whose family and size are known"
    return ""


def _regression(members: Members, known: Sequence[int], half: int) -> Regression:
    """The accuracy that explains is that of this half; all others are those of the other half."""
    own = np.array(known)
    names = sorted({str(members.families[place]) for place in known})
    family = np.array([[members.families[place] == name for name in names[1:]] for place in known], np.float64)
    size = np.log(members.parameters[own])
    accuracy = members.clean[half].probits()[own]
    shifted = np.mean([both[1 - half].probits()[own] for both in members.shifted], axis=0)
    terms = [family, *(values[:, None] - values.mean() for values in (size, accuracy))]
    return Regression(shifted - members.clean[1 - half].probits()[own], terms)


def omega_squared(regression: Regression) -> np.ndarray:
    """ω² of each of TERMS, [3]; NaN where too few members are left. A term that the others contain has 0."""
    y, everything = regression.outcome, _residual(regression.outcome, regression.terms)
    left = len(y) - everything.rank
    total = float(((y - y.mean()) ** 2).sum())
    if left < FEWEST_LEFT or total == 0:
        return np.full(len(TERMS), np.nan)
    error = everything.squares / left
    shares = []
    for place in range(len(TERMS)):
        reduced = _residual(y, [term for other, term in enumerate(regression.terms) if other != place])
        freedom = everything.rank - reduced.rank
        shares.append((reduced.squares - everything.squares - freedom * error) / (total + error))
    return np.array(shares)


def _follows_from_others(regression: Regression) -> bool:
    """Whether family or size explains nothing by construction, as the size does if each family has only one."""
    rank = _residual(regression.outcome, regression.terms).rank
    family, size, accuracy = regression.terms
    return any(_residual(regression.outcome, others).rank == rank for others in ([size, accuracy], [family, accuracy]))


@dataclass(frozen=True)
class _Residual:
    squares: float
    rank: int


def _residual(y: np.ndarray, terms: Sequence[np.ndarray]) -> _Residual:
    basis = _basis([np.ones((len(y), 1)), *terms])
    left = y - basis @ (basis.T @ y)
    return _Residual(float(left @ left), basis.shape[1])


def _basis(columns: Sequence[np.ndarray]) -> np.ndarray:
    """An orthonormal basis [M, rank] of the columns."""
    directions, lengths, _ = np.linalg.svd(np.concatenate(columns, axis=1), full_matrices=False)
    return directions[:, lengths > 1e-9 * lengths.max()]


def family_p_value(halves: Sequence[Regression], permutations: int, seed: int) -> float:
    """p of the families, given size and accuracy (Freedman & Lane 1983): the residuals of the members are permuted.

    The statistic is the mean of both halves' F, and an order of the members is the same for both.
    """
    members = len(halves[0].outcome)
    orders = np.concatenate([np.arange(members)[None], random_orders(members, permutations, seed, "families")])
    statistics = np.mean([_f_of_families(half, orders) for half in halves], axis=0)
    return float((statistics >= statistics[0] * (1 - 1e-9)).mean())


def _f_of_families(half: Regression, orders: np.ndarray) -> np.ndarray:
    """F [R] of the families where the residuals, given size and accuracy, have these orders, int [R, M]."""
    family, *others = half.terms
    basis = _basis([np.ones((len(family), 1)), *others])
    added = _basis([family - basis @ (basis.T @ family)])
    left = half.outcome - basis @ (basis.T @ half.outcome)
    permuted = left[orders]
    permuted = permuted - permuted @ basis @ basis.T
    explained = ((permuted @ added) ** 2).sum(1)
    unexplained = (permuted**2).sum(1) - explained
    freedom = len(family) - basis.shape[1] - added.shape[1]
    scale = np.maximum(unexplained, 1e-300) / freedom
    return np.asarray(explained / added.shape[1] / scale)
