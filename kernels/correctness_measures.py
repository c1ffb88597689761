"""The classic pairwise measures of diversity, derived from `joint_correctness`; defined in docs/measures.md.

For a pair of members, a = samples that both classify correctly, b = only the first, c = only the second, d = neither,
N = a + b + c + d. Every function takes `joint`, int64 [M, M] as `joint_correctness` returns it, and the number of
samples N, and returns float64 [M, M]. A value of 0/0 is NaN: a member that is always correct (or always wrong) has no
correlation with any other.
"""

import torch

from . import checks


def oracle_disagreement(joint: torch.Tensor, samples: int) -> torch.Tensor:
    """(b + c) / N: share of samples that exactly one of the two classifies correctly."""
    _, b, c, _ = _contingency(joint, samples)
    return (b + c) / samples


def double_fault(joint: torch.Tensor, samples: int) -> torch.Tensor:
    """d / N: share of all samples that both classify wrongly."""
    return _contingency(joint, samples)[3] / samples


def yules_q(joint: torch.Tensor, samples: int) -> torch.Tensor:
    """(ad - bc) / (ad + bc), between -1 and 1."""
    a, b, c, d = _contingency(joint, samples)
    return (a * d - b * c) / (a * d + b * c)


def correctness_correlation(joint: torch.Tensor, samples: int) -> torch.Tensor:
    """ρ = (ad - bc) / √((a + b)(a + c)(c + d)(b + d)), between -1 and 1."""
    a, b, c, d = _contingency(joint, samples)
    return (a * d - b * c) / (((a + b) * (c + d)).sqrt() * ((a + c) * (b + d)).sqrt())


def error_consistency(joint: torch.Tensor, samples: int) -> torch.Tensor:
    """κ = (o - e) / (1 - e): agreement in correctness o beyond the agreement e that independent members would have."""
    a, b, c, d = _contingency(joint, samples)
    first, second = (a + b) / samples, (a + c) / samples
    observed = (a + d) / samples
    expected = first * second + (1 - first) * (1 - second)
    return (observed - expected) / (1 - expected)


def ratio_of_errors(joint: torch.Tensor, samples: int) -> torch.Tensor:
    """(b + c) / d: samples that exactly one of the two classifies wrongly, for each sample on which both are wrong.

    Not bounded; NaN where d = 0, also if b + c > 0, because there is no number for it.
    """
    _, b, c, d = _contingency(joint, samples)
    return torch.where(d > 0, (b + c) / d, torch.nan)


def _contingency(joint: torch.Tensor, samples: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """a, b, c, d of every pair, float64 [M, M] each. Raises ValueError where `joint` cannot be counts of N samples."""
    checks.require_tensor("joint", joint, "members, members")
    checks.require_integer("joint", joint)
    if joint.shape[0] != joint.shape[1]:
        raise ValueError(f"joint: expected a square matrix, got shape {list(joint.shape)}")
    if samples < 1:
        raise ValueError(f"samples: expected at least one, got {samples}")
    checks.require_range("joint", joint, 0, samples + 1)
    a = joint.double()
    own = a.diagonal()
    b, c = own[:, None] - a, own[None, :] - a
    return a, b, c, samples - a - b - c
