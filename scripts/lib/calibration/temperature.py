"""Temperature scaling: one positive number by which the logits of a forecast are divided (Guo et al. 2017)."""

import math
from dataclasses import dataclass

import torch

from kernels.average_nll import FLOOR
from scripts.lib.ensembles.scores import is_one_hot

# Temperatures are looked for between these limits. At a limit, the best temperature may be beyond it.
LOWEST, HIGHEST = 1e-3, 1e3
# With fewer samples, a fitted temperature is mostly chance: see docs/measures.md.
LEAST_SAMPLES = 50
GRID = 49  # temperatures that are tried first, eight for each factor of ten
ROUNDING = 1e-12  # nats
BLOCK_ELEMENTS = 1 << 22  # logarithms of probabilities that are computed with at a time
# Why a forecast has no temperature.
FEW_SAMPLES, ONE_HOT = "few_samples", "one_hot"


@dataclass(frozen=True)
class Temperature:
    """`value`, or None and the `reason`: FEW_SAMPLES or ONE_HOT.

    `before` and `after` are the mean negative log-likelihoods in nats at temperature 1 and at `value`, on the samples
    where it was fitted.
    """

    value: float | None
    before: float
    after: float | None
    reason: str | None = None

    @property
    def at_limit(self) -> bool | None:
        """Whether the value is LOWEST or HIGHEST; None without a value."""
        return None if self.value is None else self.value in (LOWEST, HIGHEST)


def fit_temperature(log_probabilities: torch.Tensor, labels: torch.Tensor) -> Temperature:
    """The temperature with the smallest negative log-likelihood (NLL) of the true classes.

    `log_probabilities` float64 [n, C], finite; `labels` int64 [n]. There is no temperature for fewer than LEAST_SAMPLES
    samples, and none for a forecast that gives classes and no probabilities (`scores.is_one_hot` on every sample).
    """
    before = _nll(log_probabilities, labels, 1.0)
    if len(labels) < LEAST_SAMPLES:
        return Temperature(None, before, None, FEW_SAMPLES)
    if is_one_hot(log_probabilities.amax(1).exp()).all():
        return Temperature(None, before, None, ONE_HOT)
    value = best_temperature(log_probabilities, labels)
    return Temperature(value, before, _nll(log_probabilities, labels, value))


def best_temperature(log_probabilities: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature from LOWEST to HIGHEST with the smallest NLL, from `log_probabilities` float64 [n, C].

    As in all tables, a probability below FLOOR counts as FLOOR. Without this limit, one sample with a logit of 10⁵
    would decide alone, and all others would become useless. With it, the NLL may have several minima, so the best of
    GRID temperatures is found first, and then the zero of the slope between its neighbours. Where no prediction is
    wrong, the NLL falls until it vanishes: LOWEST. Where even equal probabilities would be better: HIGHEST. Where T
    makes no difference: 1.
    """
    from scipy.optimize import brentq  # takes a second to import

    grid = [math.log(LOWEST) + place / (GRID - 1) * math.log(HIGHEST / LOWEST) for place in range(GRID)]
    values = [_nll(log_probabilities, labels, math.exp(place)) for place in grid]
    if max(values) - min(values) <= ROUNDING:
        return 1.0
    best = values.index(min(values))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)]
    if _slope(low, log_probabilities, labels) > 0 > _slope(high, log_probabilities, labels):
        return math.exp(brentq(_slope, low, high, args=(log_probabilities, labels), xtol=1e-12))
    return {0: LOWEST, GRID - 1: HIGHEST}.get(best, math.exp(grid[best]))


def scaled(log_probabilities: torch.Tensor, temperature: float | torch.Tensor) -> torch.Tensor:
    """Logarithms of the probabilities [..., C] after scaling by `temperature`."""
    return (log_probabilities / temperature).log_softmax(-1)


def _slope(log_temperature: float, log_probabilities: torch.Tensor, labels: torch.Tensor) -> float:
    """Derivative of the summed NLL by 1/T: the expected log-probability at this T minus that of the true class.

    A sample whose true class has less than FLOOR does not count, because there the NLL does not change.
    """
    inverse, total = math.exp(-log_temperature), 0.0
    for values, true in _blocks(log_probabilities, labels):
        below = values - values.amax(1, keepdim=True)  # so that equal probabilities have a slope of exactly 0
        scaled_values = (inverse * below).log_softmax(1)
        counts = _of(scaled_values, true) > math.log(FLOOR)
        expected = (scaled_values.exp() * below).sum(1)
        total += float((expected - _of(below, true))[counts].sum())
    return total


def _nll(log_probabilities: torch.Tensor, labels: torch.Tensor, temperature: float) -> float:
    """Mean negative log-likelihood in nats."""
    blocks = _blocks(log_probabilities, labels)
    sums = (-_of(scaled(values, temperature), true).clamp(min=math.log(FLOOR)).sum() for values, true in blocks)
    return float(sum(sums)) / len(labels)


def _of(values: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return values.gather(1, labels[:, None])[:, 0]


def _blocks(values: torch.Tensor, labels: torch.Tensor) -> zip:
    step = max(1, BLOCK_ELEMENTS // values.shape[1])
    return zip(values.split(step), labels.split(step), strict=True)
