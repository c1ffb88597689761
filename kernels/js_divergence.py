"""Jensen-Shannon divergence of every pair of members."""

import torch

from kernels import checks
from kernels.checks import Reduction


def js_divergence(probabilities: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    """Mean (or sum) over samples of ½KL(p‖m) + ½KL(q‖m), m = (p + q)/2, in nats.

    probabilities: float [M, N, C], rows that sum to one. Returns float64 [M, M], between 0 and ln 2 for the mean.
    """
    checks.require_tensor("probabilities", probabilities, "members, samples, classes")
    checks.require_float("probabilities", probabilities)
    checks.require_reduction(reduction)
    checks.require_probabilities("probabilities", probabilities)
    members, samples, classes = probabilities.shape
    total = probabilities.new_zeros(members, members, dtype=torch.float64)
    rows = max(1, (1 << 22) // (members * classes))
    for start in range(0, samples, rows):
        block = probabilities[:, start : start + rows].double()
        own = torch.xlogy(block, block).sum((1, 2))
        for member in range(members):
            middle = (block[member] + block) / 2
            total[member] += (own[member] + own) / 2 - torch.xlogy(middle, middle).sum((1, 2))
    total = total.clamp_min(0).fill_diagonal_(0)
    return total / samples if reduction == "mean" else total
