"""Temperature scaling: one positive number by which the logits of a forecast are divided (Guo et al. 2017)."""

import math
from dataclasses import dataclass

import torch

from scripts.lib.ensembles.scores import is_one_hot

# Temperatures are looked for between these limits. At a limit, the best temperature may be beyond it.
LOWEST, HIGHEST = 1e-3, 1e3
# With fewer samples, a fitted temperature is mostly chance: see docs/measures.md.
LEAST_SAMPLES = 50
BLOCK_ELEMENTS = 1 << 22  # logarithms of probabilities that are computed with at a time
# Why a forecast has no temperature.
FEW_SAMPLES, ONE_HOT = "few_samples", "one_hot"


@dataclass(frozen=True)
class Temperature:
    """`value`, or None and the `reason`: FEW_SAMPLES or ONE_HOT.

    `before` and `after` are the mean negative log-likelihoods in nats at temperature 1 and at `value`, not clipped, on
    the samples where it was fitted.
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

    The NLL is convex in 1/T, so its slope has at most one zero, which is looked for on ln T. Where no prediction is
    wrong, the NLL falls until it vanishes: LOWEST. Where even equal probabilities would be better: HIGHEST. Where all
    probabilities of each sample are equal, T makes no difference: 1.
    """
    from scipy.optimize import brentq  # takes a second to import

    limits = (math.log(LOWEST), math.log(HIGHEST))
    lowest, highest = (_slope(limit, log_probabilities, labels) for limit in limits)
    if lowest == highest == 0:
        return 1.0
    if lowest <= 0:  # the NLL still falls, or does not change any more, as 1/T grows
        return LOWEST
    if highest >= 0:
        return HIGHEST
    return math.exp(brentq(_slope, *limits, args=(log_probabilities, labels), xtol=1e-12))


def scaled(log_probabilities: torch.Tensor, temperature: float | torch.Tensor) -> torch.Tensor:
    """Logarithms of the probabilities [..., C] after scaling by `temperature`."""
    return (log_probabilities / temperature).log_softmax(-1)


def _slope(log_temperature: float, log_probabilities: torch.Tensor, labels: torch.Tensor) -> float:
    """Derivative of the summed NLL by 1/T: the expected log-probability at this T minus that of the true class."""
    inverse, total = math.exp(-log_temperature), 0.0
    for values, true in _blocks(log_probabilities, labels):
        below = values - values.amax(1, keepdim=True)  # so that equal probabilities have a slope of exactly 0
        expected = ((inverse * below).softmax(1) * below).sum(1)
        total += float((expected - _of(below, true)).sum())
    return total


def _nll(log_probabilities: torch.Tensor, labels: torch.Tensor, temperature: float) -> float:
    """Mean negative log-likelihood in nats, not clipped."""
    blocks = _blocks(log_probabilities, labels)
    return sum(float(-_of(scaled(values, temperature), true).sum()) for values, true in blocks) / len(labels)


def _of(values: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return values.gather(1, labels[:, None])[:, 0]


def _blocks(values: torch.Tensor, labels: torch.Tensor) -> zip:
    step = max(1, BLOCK_ELEMENTS // values.shape[1])
    return zip(values.split(step), labels.split(step), strict=True)
