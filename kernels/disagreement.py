"""Label disagreement of every pair of members."""

import torch

from kernels import checks
from kernels.checks import Reduction

MAX_CLASSES = 1 << 16


def disagreement(predictions: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    """Share (or, with "sum", number) of samples that two members put into different classes.

    predictions: integer [M, N], class ids from 0 to 65 535. Returns float64 [M, M], symmetric, zero diagonal.
    """
    checks.require_tensor("predictions", predictions, "members, samples")
    checks.require_integer("predictions", predictions)
    checks.require_range("predictions", predictions, 0, MAX_CLASSES)
    checks.require_reduction(reduction)
    members, samples = predictions.shape
    counts = predictions.new_zeros(members, members, dtype=torch.float64)
    for member in range(members):
        counts[member] = (predictions != predictions[member]).sum(1)
    return counts / samples if reduction == "mean" else counts
