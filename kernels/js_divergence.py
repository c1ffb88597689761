"""Jensen-Shannon divergence of every pair of members.

The idea. With s = p + q the divergence of a sample is `½ Σ (p ln p + q ln q - s ln s) + ½ ln 2 Σ s`: p ln p is computed
once per member, so that a pair costs one logarithm per class. The sum stays accurate in float32, however small the
divergence is beside the entropies, because its terms lie between -s ln 2 and 0. The logarithm is a polynomial that the
compiler turns into vector code.
"""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

import math
from typing import Any

import numpy as np
import torch

from kernels import checks, cpu, gpu
from kernels.checks import Reduction
from kernels.cpu import compiled_reassociating
from kernels.gpu import tl, triton
from kernels.pairs import mirrored

LN2 = math.log(2.0)
LOGARITHM = 8  # how many elementwise operations take as long as one logarithm
COPY_ELEMENTS = 1 << 20  # of probabilities that are copied or widened at a time
GPU_TILE, GPU_CLASSES, GPU_SAMPLES = 8, 64, 8  # members per tile of pairs, classes per step, samples per program
GPU_TINY = 1e-37  # stands for 0 in logarithms; below the smallest normal float32 Triton would compute in float64


def js_divergence(probabilities: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    """Mean (or sum) over samples of ½KL(p‖m) + ½KL(q‖m), m = (p + q)/2, in nats.

    Args:
        probabilities: float [M, N, C], finite, not negative, each row with sum one.
        reduction: "mean", or "sum" for sums that add up over shards of samples.

    Returns:
        float64 [M, M], symmetric, zero diagonal, between 0 and ln 2 for the mean. Within 1e-6 of the definition;
        float64 input is computed in float64.

    Raises:
        ValueError: names the argument and the first offending index.

    Definition: `js_divergence` in docs/measures.md.

    Cost: M² / 2 logarithms per sample and class; memory 8 M C bytes per thread, never M × M × N. Measured on two CPU
    cores: 3.3 G logarithms per second at M=16.
    """
    checks.require_tensor("probabilities", probabilities, "members, samples, classes")
    checks.require_float("probabilities", probabilities)
    checks.require_reduction(reduction)
    checks.require_probabilities("probabilities", probabilities)
    single = probabilities.dtype is not torch.float64
    if single and gpu.usable(probabilities):
        total = _sum_triton(probabilities)
    elif single and cpu.worthwhile(probabilities, LOGARITHM * len(probabilities) * probabilities.numel()):
        total = _sum_numba(probabilities)
    else:
        total = _sum_torch(probabilities)
    samples = probabilities.shape[1]
    total = mirrored(total).clamp_max(samples * LN2)
    return total / samples if reduction == "mean" else total


# ----------------------------------------------------------------------------------------------------------- CPU, numba


def _sum_numba(probabilities: torch.Tensor) -> torch.Tensor:
    members, samples, classes = probabilities.shape
    step = max(1, COPY_ELEMENTS // (members * classes))

    def work(start: int, stop: int) -> torch.Tensor:
        total = torch.zeros(members, members, dtype=torch.float64)
        for values, first, last, _ in cpu.readable(probabilities, start, stop, step):
            _add_samples(values, first, last, total.numpy())
        return total

    return torch.stack(cpu.parallel(work, cpu.ranges(samples))).sum(0)


@compiled_reassociating
def _add_samples(probabilities: Any, start: int, stop: int, total: Any) -> None:
    """Add the divergences of samples [start, stop) of float32 [M, N, C] to the upper triangle of float64 [M, M]."""
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


# ---------------------------------------------------------------------------------------------------------- GPU, Triton


def _sum_triton(probabilities: torch.Tensor) -> torch.Tensor:
    members, samples, classes = probabilities.shape
    total = torch.zeros(members, members, dtype=torch.float64, device=probabilities.device)
    tiles = gpu.cdiv(members, GPU_TILE)
    with gpu.on(probabilities):
        _sum_kernel[(gpu.cdiv(samples, GPU_SAMPLES), tiles, tiles)](
            probabilities=probabilities.contiguous(),
            total=total,
            members=members,
            samples=samples,
            classes=classes,
            TILE=GPU_TILE,
            CLASSES=min(GPU_CLASSES, gpu.power_of_2(classes)),
            SAMPLES=GPU_SAMPLES,
            LN2=LN2,
            TINY=GPU_TINY,
            num_warps=4,
        )
    return total.fill_diagonal_(0)


@triton.jit
def _sum_kernel(
    probabilities: gpu.Pointer,  # float16, bfloat16 or float32 [members, samples, classes]
    total: gpu.Pointer,  # float64 [members, members], zeros; its upper triangle is added to
    members: gpu.Integer,
    samples: gpu.Integer,
    classes: gpu.Integer,
    TILE: tl.constexpr,  # rows, and columns, of a tile of `total`
    CLASSES: tl.constexpr,  # per step
    SAMPLES: tl.constexpr,  # per program
    LN2: tl.constexpr,
    TINY: tl.constexpr,  # stands for 0 in logarithms
) -> None:
    """total[i, j] += divergences of SAMPLES samples, for a tile of pairs with i <= j.

    Grid: parts of the samples × tiles of rows × tiles of columns.
    """
    i, j, first = tl.program_id(1), tl.program_id(2), tl.program_id(0).to(tl.int64) * SAMPLES
    if i > j:
        return
    rows, columns = i * TILE + tl.arange(0, TILE), j * TILE + tl.arange(0, TILE)
    row_base, column_base = rows.to(tl.int64) * samples * classes, columns.to(tl.int64) * samples * classes
    divergence = tl.zeros((TILE, TILE), tl.float64)
    for sample in range(first, min(first + SAMPLES, samples)):
        terms = tl.zeros((TILE, TILE), tl.float32)
        for start in range(0, classes, CLASSES):
            c = start + tl.arange(0, CLASSES)
            at = sample * classes + c
            p = tl.load(
                probabilities + row_base[:, None] + at[None, :], (rows < members)[:, None] & (c < classes), other=0
            ).to(tl.float32)
            q = tl.load(
                probabilities + column_base[:, None] + at[None, :],
                (columns < members)[:, None] & (c < classes)[None, :],
                other=0,
            ).to(tl.float32)
            p_ln_p = p * tl.log(tl.maximum(p, TINY))
            q_ln_q = q * tl.log(tl.maximum(q, TINY))
            s = p[:, None, :] + q[None, :, :]
            s_ln_s = s * (tl.log(tl.maximum(s, TINY)) - LN2)
            terms += tl.sum((p_ln_p[:, None, :] + q_ln_q[None, :, :]) - s_ln_s, 2)
        divergence += tl.maximum(terms, 0.0).to(tl.float64) / 2
    inside = (rows < members)[:, None] & (columns < members)[None, :]
    tl.atomic_add(total + rows[:, None] * members + columns[None, :], divergence, inside)


# ---------------------------------------------------------------------------------------------------------- plain torch


def _sum_torch(probabilities: torch.Tensor) -> torch.Tensor:
    """In float64 and blocks of samples; fills the upper triangle."""
    members, _, classes = probabilities.shape
    total = probabilities.new_zeros(members, members, dtype=torch.float64)
    for block in probabilities.split(max(1, COPY_ELEMENTS // (members * classes)), dim=1):
        p = block.double()
        own = _times_logarithm(p)
        for a in range(members - 1):
            s = p[a] + p[a + 1 :]
            terms = own[a] + own[a + 1 :] - _times_logarithm(s) + LN2 * s
            total[a, a + 1 :] += (terms.sum(2) / 2).clamp_min(0).sum(1)
    return total


def _times_logarithm(x: torch.Tensor) -> torch.Tensor:
    """x ln x, 0 at 0; torch.xlogy does not use the CPU's vector units."""
    return x.clamp_min(torch.finfo(x.dtype).tiny).log_().mul_(x)
