"""Jensen-Shannon divergence of every pair of members.

The idea. With s = p + q the divergence of a sample is `½ Σ (p ln p + q ln q - s ln s) + ½ ln 2 Σ s`: p ln p is computed
once a member, so that a pair costs one logarithm a class. The sum stays accurate in float32 because its terms lie
between -s ln 2 and 0, however small the divergence is beside the entropies. The logarithm is a polynomial that the
compiler turns into vector code.
"""

import math
from typing import Any

import numpy as np
import torch

from kernels import checks, native
from kernels.checks import Reduction
from kernels.native import compiled_reassociating
from kernels.pairs import mirrored

COPY_ELEMENTS = 1 << 20
LN2 = math.log(2.0)


@compiled_reassociating
def _x_ln_x(x: Any) -> Any:
    """x ln x of a non-negative float32, 0 at 0: Cephes' logf, relative error about 1e-7, without branches."""
    bits = np.float32(x).view(np.int32)
    exponent = (bits - np.int32(0x3F3504F3)) >> np.int32(23)
    z = np.int32(bits - (exponent << np.int32(23))).view(np.float32) - np.float32(1)  # in [√½ - 1, √2 - 1)
    p = np.float32(7.0376836292e-2)
    p = p * z - np.float32(1.1514610310e-1)
    p = p * z + np.float32(1.1676998740e-1)
    p = p * z - np.float32(1.2420140846e-1)
    p = p * z + np.float32(1.4249322787e-1)
    p = p * z - np.float32(1.6668057665e-1)
    p = p * z + np.float32(2.0000714765e-1)
    p = p * z - np.float32(2.4999993993e-1)
    p = p * z + np.float32(3.3333331174e-1)
    square = z * z
    return x * (z + (z * square * p - np.float32(0.5) * square) + np.float32(exponent) * np.float32(LN2))


@compiled_reassociating
def _pair(p: Any, q: Any, p_ln_p: Any, q_ln_q: Any) -> Any:
    """Σ (p ln p + q ln q - s ln s) + ln 2 Σ s, s = p + q, of float32 [C] each."""
    terms = np.float32(0)
    mass = np.float32(0)
    for c in range(len(p)):
        s = p[c] + q[c]
        terms += (p_ln_p[c] + q_ln_q[c]) - _x_ln_x(s)
        mass += s
    return np.float64(terms) + LN2 * np.float64(mass)


@compiled_reassociating
def _add_samples(probabilities: Any, start: int, stop: int, total: Any) -> None:
    """Add the divergences of samples [start, stop) to the upper triangle of total."""
    members, _, classes = probabilities.shape
    own, own_ln = np.empty((members, classes), np.float32), np.empty((members, classes), np.float32)
    for sample in range(start, stop):
        for a in range(members):
            for c in range(classes):
                own[a, c] = probabilities[a, sample, c]
                own_ln[a, c] = _x_ln_x(own[a, c])
        for a in range(members):
            for b in range(a + 1, members):
                total[a, b] += max(0.0, _pair(own[a], own[b], own_ln[a], own_ln[b]) / 2)


def _sum_native(probabilities: torch.Tensor) -> torch.Tensor:
    members, samples, classes = probabilities.shape
    step = max(1, COPY_ELEMENTS // (members * classes))

    def work(start: int, stop: int) -> torch.Tensor:
        total = torch.zeros(members, members, dtype=torch.float64)
        for values, first, last, _ in native.readable(probabilities, start, stop, step):
            _add_samples(values, first, last, total.numpy())
        return total

    return torch.stack(native.parallel(work, native.ranges(samples))).sum(0)


def _sum_torch(probabilities: torch.Tensor) -> torch.Tensor:
    """In float64 and blocks of samples."""
    members, _, classes = probabilities.shape
    total = probabilities.new_zeros(members, members, dtype=torch.float64)
    for block in probabilities.split(max(1, COPY_ELEMENTS // (members * classes)), dim=1):
        p = block.double()
        own = torch.xlogy(p, p)
        for a in range(members):
            s = p[a] + p
            terms = own[a] + own - torch.xlogy(s, s) + LN2 * s
            total[a] += (terms.sum(2) / 2).clamp_min(0).sum(1)
    return total.fill_diagonal_(0)


def js_divergence(probabilities: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    """Mean (or sum) over samples of ½KL(p‖m) + ½KL(q‖m), m = (p + q)/2, in nats.

    Args:
        probabilities: float [M, N, C], finite, not negative, rows that sum to one.
        reduction: "mean", or "sum" for sums that add up over shards of samples.

    Returns:
        float64 [M, M], symmetric, zero diagonal, between 0 and ln 2 for the mean. Within 1e-6 of the definition;
        float64 input is computed in float64.

    Raises:
        ValueError: names the argument and the first offending index.

    Source: Lin 1991, Divergence measures based on the Shannon entropy.

    Cost: M² / 2 logarithms a sample and class; memory 8 M C bytes a thread, never M × M × N.
    """
    checks.require_tensor("probabilities", probabilities, "members, samples, classes")
    checks.require_float("probabilities", probabilities)
    checks.require_reduction(reduction)
    checks.require_probabilities("probabilities", probabilities)
    native_form = probabilities.device.type == "cpu" and native.AVAILABLE and probabilities.dtype is not torch.float64
    total = _sum_native(probabilities) if native_form else _sum_torch(probabilities)
    samples = probabilities.shape[1]
    total = mirrored(total).clamp_max(samples * LN2)
    return total / samples if reduction == "mean" else total
