"""Joint correctness of every pair of members."""

import torch

from kernels import checks


def joint_correctness(correct: torch.Tensor) -> torch.Tensor:
    """Number of samples that both members of a pair get right; the diagonal counts each member's correct samples.

    correct: bool [M, N]. Returns int64 [M, M]. Counts of shards of samples add up.
    """
    checks.require_tensor("correct", correct, "members, samples")
    checks.require_bool("correct", correct)
    members = correct.shape[0]
    counts = correct.new_zeros(members, members, dtype=torch.int64)
    for member in range(members):
        counts[member] = (correct & correct[member]).sum(1)
    return counts
