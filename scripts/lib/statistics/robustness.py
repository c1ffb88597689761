"""Accuracy under shift, given accuracy without it: the line of the members, and what exceeds it.

Accuracies on a shifted set rise with those on the clean set, close to a line where both are probits (Φ⁻¹ of the
accuracy; Taori et al. 2020, Miller et al. 2021). The line is fitted to single members only. What an ensemble or a
member has beyond the line is its effective robustness: robustness that its accuracy on the clean set does not explain.

An accuracy of 0 or 1 has no finite probit. Therefore all accuracies here are (right + ½) / (samples + 1).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from scripts.lib.statistics.coefficients import ROUNDING
from scripts.lib.statistics.jackknife import interval

FEWEST_MEMBERS = 3  # two members are always on a line


@dataclass(frozen=True)
class Counts:
    """Of members or ensembles: `right`, whole numbers [...], counts how many of the `samples` each classifies right."""

    right: np.ndarray
    samples: int

    def shares(self) -> np.ndarray:
        """Accuracies from 0 to 1, float64 [...], never quite 0 or 1."""
        return (self.right + 0.5) / (self.samples + 1)

    def probits(self) -> np.ndarray:
        """Φ⁻¹ of the accuracies, float64 [...]; always finite."""
        return np.asarray(ndtri(self.shares()))

    def without(self, member: int) -> "Counts":
        """Those [M - 1] of all members but one."""
        return Counts(np.delete(self.right, member), self.samples)


@dataclass(frozen=True)
class Line:
    """Φ⁻¹(shifted accuracy) = `intercept` + `slope` · Φ⁻¹(clean accuracy).

    `lowest` and `highest` are the members' accuracies on the clean set, from 0 to 1, between which it was fitted. If
    there is no line, intercept and slope are NaN, and `reason` says why.
    """

    intercept: float
    slope: float
    lowest: float
    highest: float
    reason: str = ""

    def expected(self, clean: np.ndarray) -> np.ndarray:
        """The accuracy on the shifted set, from 0 to 1, that belongs to probits on the `clean` set, both [...]."""
        return np.asarray(ndtr(self.intercept + self.slope * clean))


@dataclass(frozen=True)
class JackknifedLine:
    """A line, and the lines `without` each member; the intervals (95 %, low and high) follow from these."""

    line: Line
    without: list[Line]

    def intercept_interval(self) -> tuple[float, float]:
        """NaN where there is no line without some member, as with fewer than four members."""
        return self._interval([self.line.intercept], [[line.intercept] for line in self.without])

    def slope_interval(self) -> tuple[float, float]:
        """NaN as for the intercept."""
        return self._interval([self.line.slope], [[line.slope] for line in self.without])

    def band(self, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the expected accuracies on the shifted set, from 0 to 1, [n], given probits on the `clean` set [n]."""
        lines = [self.line, *self.without]
        whole, *others = (line.intercept + line.slope * clean for line in lines)
        low, high = interval(whole, np.stack(others))
        return np.asarray(ndtr(low)), np.asarray(ndtr(high))

    @staticmethod
    def _interval(whole: list[float], without: list[list[float]]) -> tuple[float, float]:
        [low], [high] = interval(np.array(whole), np.array(without))
        return float(low), float(high)


def fit_line(clean: Counts, shifted: Counts) -> Line:
    """The line through single members, from their counts [M] on the clean and on the shifted set, by least squares.

    There is none for fewer than three members, and none if all are equally accurate on the clean set.
    """
    shares = clean.shares()
    lowest, highest = (float(shares.min()), float(shares.max())) if len(shares) else (np.nan, np.nan)
    intercept, slope = least_squares(clean.probits(), shifted.probits())
    reason = ""
    if len(shares) < FEWEST_MEMBERS:
        reason = "fewer than three members"
    elif np.isnan(slope):
        reason = "all members are equally accurate on the clean set"
    return Line(intercept.item(), slope.item(), lowest, highest, reason)


def least_squares(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intercept and slope [...] of the line through the points `x`, `y` [..., M], by least squares.

    NaN for fewer than three points, and where `x` does not vary.
    """
    if x.shape[-1] < FEWEST_MEMBERS:
        return np.full(x.shape[:-1], np.nan), np.full(x.shape[:-1], np.nan)
    mean_x, mean_y = x.mean(-1, keepdims=True), y.mean(-1, keepdims=True)
    deviations = x - mean_x
    varies = np.abs(deviations).max(-1) > ROUNDING
    squares = np.where(varies, (deviations**2).sum(-1), np.nan)
    slope = (deviations * (y - mean_y)).sum(-1) / squares
    return mean_y[..., 0] - slope * mean_x[..., 0], slope


def jackknifed_line(clean: Counts, shifted: Counts) -> JackknifedLine:
    """As `fit_line`, also without each member."""
    members = range(len(clean.right))
    return JackknifedLine(
        fit_line(clean, shifted), [fit_line(clean.without(member), shifted.without(member)) for member in members]
    )


def effective_robustness(clean: Counts, shifted: Counts, line: Line) -> np.ndarray:
    """The accuracy on the shifted set beyond that of the line, in percentage points, float64 [...].

    NaN where there is no line. `clean` and `shifted` have the same shape.
    """
    return beyond_line(clean, shifted, line.intercept, line.slope)


def beyond_line(clean: Counts, shifted: Counts, intercept: float | np.ndarray, slope: float | np.ndarray) -> np.ndarray:
    """As `effective_robustness`, also of many lines at once."""
    return np.asarray(100 * (shifted.shares() - ndtr(intercept + slope * clean.probits())))


def is_extrapolated(clean: Counts, line: Line) -> np.ndarray:
    """Whether an accuracy on the clean set is outside of those to which the line was fitted, bool [...]."""
    shares = clean.shares()
    return (shares < line.lowest - ROUNDING) | (shares > line.highest + ROUNDING)
