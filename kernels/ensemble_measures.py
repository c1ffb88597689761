"""Measures of diversity of a whole ensemble, from which of its members are right.

Every function takes `correct`, bool [L, N]: member l is right on sample n, and returns a float. An ensemble of one
member has no diversity to speak of: NaN. Definitions: Kuncheva & Whitaker 2003; generalised and coincident failure
diversity: Partridge & Krzanowski 1997.
"""

import math

import torch

from kernels import checks


def kohavi_wolpert_variance(correct: torch.Tensor) -> float:
    """Σ l (L - l) / (N L²), l = members right on a sample. It is (L - 1) / 2L times the mean oracle disagreement."""
    members, samples = _shape(correct)
    if members == 1:
        return math.nan
    right = correct.sum(0)
    return (right * (members - right)).sum().item() / (samples * members**2)


def generalised_diversity(correct: torch.Tensor) -> float:
    """1 - p(2) / p(1): 1 where no two members ever fail together, 0 where all fail together; NaN where none fails."""
    members, _ = _shape(correct)
    if members == 1:
        return math.nan
    failing = torch.arange(members + 1, dtype=torch.float64)
    share = shares_of_failures(correct)
    one = (failing / members * share).sum().item()
    two = (failing * (failing - 1) / (members * (members - 1)) * share).sum().item()
    return 1 - two / one if one > 0 else math.nan


def coincident_failure_diversity(correct: torch.Tensor) -> float:
    """Σ_{i≥1} (L - i) / (L - 1) · π_i / (1 - π_0): 1 if only one member ever fails on a sample, 0 if all do or none."""
    members, _ = _shape(correct)
    if members == 1:
        return math.nan
    share = shares_of_failures(correct)
    if share[0] == 1:
        return 0.0
    failing = torch.arange(members + 1, dtype=torch.float64)
    return ((members - failing) / (members - 1) * share)[1:].sum().item() / (1 - share[0].item())


def shares_of_failures(correct: torch.Tensor) -> torch.Tensor:
    """π_i, float64 [L + 1]: the share of samples on which exactly i members fail."""
    members, samples = _shape(correct)
    counts = torch.bincount((~correct).sum(0), minlength=members + 1)
    return counts.cpu().double() / samples


def _shape(correct: torch.Tensor) -> tuple[int, int]:
    checks.require_tensor("correct", correct, "members, samples")
    checks.require_bool("correct", correct)
    return correct.shape[0], correct.shape[1]
