"""The statistic that decides on an observation, and the verdict that follows from its interval."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scripts.lib.observations.claims import CONTRADICTED, SUPPORTED, UNDECIDED, Observation
from scripts.lib.statistics.jackknife import interval
from scripts.lib.statistics.ways import over_seeds


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval from leaving out one member at a time; NaN where it is not known.

    `dataset` is a validation set, or empty for a number over several of them.
    """

    statistic: str
    value: float
    low: float = float("nan")
    high: float = float("nan")
    p_value: float = float("nan")
    dataset: str = ""


@dataclass(frozen=True)
class Verdict:
    """The verdict on an observation, the number that decides it, others that belong to it, and why, if undecided."""

    observation: Observation
    verdict: str
    deciding: Estimate
    others: Sequence[Estimate] = field(default_factory=list)
    members: int = 0
    reason: str = ""
    seeds: int = 0  # by which differences are paired; 0 where members were not trained together


def estimate(statistic: str, values: np.ndarray, dataset: str = "", p_value: float = float("nan")) -> Estimate:
    """From `values` [1 + M]: of all members, and without each; no interval if one of them is NaN."""
    [low], [high] = interval(values[:1], values[1:, None])
    return Estimate(statistic, float(values[0]), float(low), float(high), p_value, dataset)


def estimate_over_seeds(statistic: str, values: np.ndarray, dataset: str = "") -> Estimate:
    """The mean of `values` [S], one per seed, with the interval of Student's t."""
    return Estimate(statistic, *over_seeds(values), dataset=dataset)


def above(limit: float, deciding: Estimate) -> str:
    """Supported if the whole interval is above the limit, contradicted if it is below, else undecided."""
    if deciding.low > limit:
        return SUPPORTED
    return CONTRADICTED if deciding.high < limit else UNDECIDED


def below(limit: float, deciding: Estimate) -> str:
    """Supported if the whole interval is below the limit, contradicted if it is above, else undecided."""
    if deciding.high < limit:
        return SUPPORTED
    return CONTRADICTED if deciding.low > limit else UNDECIDED


def undecided(observation: Observation, statistic: str, members: int, reason: str) -> Verdict:
    """Where the statistic cannot be computed."""
    return Verdict(observation, UNDECIDED, Estimate(statistic, float("nan")), [], members, reason)
