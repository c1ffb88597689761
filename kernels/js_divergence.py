"""Jensen-Shannon divergence of every pair of members.

The idea. With f(x) = x ln x, a sample and class add `½ (½ f(2p) + ½ f(2q) - f(p + q))`: the first two terms are
computed once per member, so that a pair costs one logarithm. f is convex, so nothing that is added is negative, and
float32 stays accurate however small the divergence is beside the entropies.

The CPU adds samples and classes alike, in tiles of pairs that stay in cache, as a matrix product is computed: few
classes fill the vector units as well as many. The logarithm is a polynomial that the compiler turns into vector code.
"""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

import functools
import math
from typing import Any

import numpy as np
import torch

from . import checks, cpu, gpu
from .checks import Reduction
from .cpu import compiled_reassociating
from .gpu import tl, triton
from .pairs import mirrored

LN2 = math.log(2.0)
# log2 (1 + z) / z, z in [√½ - 1, √2 - 1].
C0, C1, C2, C3, C4 = 1.442694867, -0.7213471252, 0.4809226178, -0.3607213024, 0.2876548148
C5, C6, C7, C8 = -0.2385176326, 0.2173924542, -0.2103155270, 0.1253943659
LOGARITHM = 8  # how many elementwise operations take as long as one logarithm
COPY_ELEMENTS = 1 << 20  # of probabilities that are copied or widened at a time
RUN, TILE = 256, 128  # numbers added in float32; members whose runs (256 KiB) stay in the second-level cache
GPU_TILE, GPU_STEP, GPU_STEPS = 8, 64, 16  # members per tile of pairs, probabilities per step, steps per program
GPU_TINY = 1e-37  # stands for 0 in logarithms; numbers below the smallest normal float32 would count as 0


def js_divergence(probabilities: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    """Mean (or sum) over samples of ½KL(p‖m) + ½KL(q‖m), m = (p + q)/2, in nats.

    Args:
        probabilities: float [M, N, C], finite, not negative, each row with sum one.
        reduction: "mean", or "sum" for sums that add up over shards of samples.

    Returns:
        float64 [M, M], symmetric, zero diagonal, between 0 and ln 2 for the mean. Within 1e-6 of the definition on the
        CPU, and within 3.4e-7 (1 + log2 C) on a GPU (docs/kernels.md); float64 input is computed in float64.

    Raises:
        ValueError: names the argument and the first offending index.

    Definition: `js_divergence` in docs/measures.md.

    Cost: M² / 2 logarithms per sample and class; memory 1 KiB M per thread, never M × M × N. The result does not depend
    on the number of threads.
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
    """Each thread adds up whole pairs, so that no sum depends on the number of threads."""
    members, samples, classes = probabilities.shape
    total = torch.zeros(members, members, dtype=torch.float64)
    step = max(1, COPY_ELEMENTS // (members * classes))
    for values, *_ in cpu.readable(probabilities, 0, samples, step):
        flat = values.reshape(members, -1)
        cpu.parallel(functools.partial(_add_pairs, flat, total.numpy()), cpu.interleaved(members * (members - 1) // 2))
    return (total * (LN2 / 2)).clamp_min(0)


@compiled_reassociating
def _add_pairs(probabilities: Any, total: Any, first: int, step: int) -> None:
    """Add twice the divergences in bits, from float32 [M, N C], to the upper triangle of float64 [M, M].

    Of the pairs, every step-th from `first` on.
    """
    members, length = probabilities.shape
    own = np.empty((members, RUN), np.float32)
    for start in range(0, length, RUN):
        stop = min(length, start + RUN)
        for a in range(members):
            for i in range(stop - start):
                own[a, i] = np.float32(0.5) * _x_log2_x(np.float32(2) * probabilities[a, start + i])
        pair = 0
        for tile in range(0, members, TILE):
            last = min(members, tile + TILE)
            for a in range(last):
                b_first = max(a + 1, tile)
                for b in range(b_first + (first - pair) % step, last, step):
                    total[a, b] += _pair(probabilities[a, start:stop], probabilities[b, start:stop], own[a], own[b])
                pair += last - b_first


@compiled_reassociating
def _pair(p: Any, q: Any, own_p: Any, own_q: Any) -> Any:
    """Σ (½ f(2p) + ½ f(2q) - f(p + q)) of one run, f(x) = x log2 x; `own_p` is ½ f(2p)."""
    terms = np.float32(0)
    for i in range(len(p)):
        terms += (own_p[i] + own_q[i]) - _x_log2_x(p[i] + q[i])
    return np.float64(terms)


@compiled_reassociating
def _x_log2_x(x: Any) -> Any:
    """x log2 x of a non-negative float32, 0 at 0, without branches.

    x = 2^e (1 + z) with z in [√½ - 1, √2 - 1], and log2 (1 + z) is z times a polynomial of degree 8: the minimax one,
    whose absolute error is at most 7e-9. It is evaluated as a tree (Estrin), because Horner's scheme is one long chain
    of operations that wait for each other.
    """
    bits = np.float32(x).view(np.int32)
    # numba adds int32 as int64, for which AVX2 has no arithmetic shift: every result is narrowed again.
    exponent = np.int32(np.int32(bits - np.int32(0x3F3504F3)) >> np.int32(23))
    z = np.int32(bits - np.int32(exponent << np.int32(23))).view(np.float32) - np.float32(1)
    z2 = z * z
    low = (np.float32(C0) + np.float32(C1) * z) + (np.float32(C2) + np.float32(C3) * z) * z2
    high = (np.float32(C4) + np.float32(C5) * z) + (np.float32(C6) + np.float32(C7) * z) * z2
    z4 = z2 * z2
    return x * (z * (low + (high + np.float32(C8) * z4) * z4) + np.float32(exponent))


# ---------------------------------------------------------------------------------------------------------- GPU, Triton


def _sum_triton(probabilities: torch.Tensor) -> torch.Tensor:
    members, samples, classes = probabilities.shape
    total = torch.zeros(members, members, dtype=torch.float64, device=probabilities.device)
    tiles, length = gpu.cdiv(members, GPU_TILE), samples * classes
    with gpu.on(probabilities):
        _sum_kernel[(gpu.cdiv(length, GPU_STEPS * GPU_STEP), tiles, tiles)](
            probabilities=probabilities.contiguous(),
            total=total,
            members=members,
            length=length,
            TILE=GPU_TILE,
            STEP=GPU_STEP,
            STEPS=GPU_STEPS,
            TINY=GPU_TINY,
            APPROXIMATE=not gpu.INTERPRETED,
            num_warps=4,
        )
    return (total * LN2).clamp_min(0).fill_diagonal_(0)


@triton.jit
def _sum_kernel(
    probabilities: gpu.Pointer,  # float16, bfloat16 or float32 [members, length]
    total: gpu.Pointer,  # float64 [members, members], zeros; its upper triangle is added to
    members: gpu.Integer,
    length: gpu.Integer,  # samples × classes, which are added alike
    TILE: tl.constexpr,  # rows, and columns, of a tile of `total`
    STEP: tl.constexpr,  # probabilities of each member
    STEPS: tl.constexpr,  # that one program takes; their terms are added in float32
    TINY: tl.constexpr,  # stands for 0 in logarithms
    APPROXIMATE: tl.constexpr,  # whether logarithms are the GPU's instruction
) -> None:
    """total[i, j] += divergences in bits of STEPS steps, for a tile of pairs with i <= j.

    With m = (p + q) / 2, a term is ½ p log2 p + ½ q log2 q - m log2 m. The first two logarithms are computed once per
    member and step, the last one for each pair. Terms are reduced over the threads once, at the end.

    Grid: parts of the samples and classes × tiles of rows × tiles of columns.
    """
    i, j, first = tl.program_id(1), tl.program_id(2), tl.program_id(0).to(tl.int64) * (STEPS * STEP)
    if i > j:
        return
    rows, columns = i * TILE + tl.arange(0, TILE), j * TILE + tl.arange(0, TILE)
    a = probabilities + rows[:, None].to(tl.int64) * length
    b = probabilities + columns[:, None].to(tl.int64) * length
    terms = tl.zeros((TILE, TILE, STEP), tl.float32)
    for step in range(STEPS):
        at = (first + step * STEP + tl.arange(0, STEP))[None, :]
        p = tl.load(a + at, (rows < members)[:, None] & (at < length), other=0)
        q = tl.load(b + at, (columns < members)[:, None] & (at < length), other=0)
        p, q = tl.maximum(p.to(tl.float32) * 0.5, TINY), tl.maximum(q.to(tl.float32) * 0.5, TINY)
        own_p, own_q = p * _log2(p, APPROXIMATE) + p, q * _log2(q, APPROXIMATE) + q  # of p and q, which are halves here
        m = p[:, None, :] + q[None, :, :]
        terms += (own_p[:, None, :] + own_q[None, :, :]) - m * _log2(m, APPROXIMATE)
    inside = (rows < members)[:, None] & (columns < members)[None, :]
    tl.atomic_add(total + rows[:, None] * members + columns[None, :], tl.sum(terms, 2).to(tl.float64), inside)


@triton.jit
def _log2(x: tl.tensor, APPROXIMATE: tl.constexpr) -> tl.tensor:
    """Base-2 logarithm of positive float32, not below the smallest normal number.

    The GPU's instruction: for x in [0.5, 2] its absolute error is at most 2^-22, elsewhere 2 units in the last place
    (CUDA C++ Programming Guide, intrinsic functions), a relative error of at most 2^-22.
    """
    if APPROXIMATE:
        return tl.inline_asm_elementwise(
            "lg2.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
        )
    return tl.log2(x)


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
