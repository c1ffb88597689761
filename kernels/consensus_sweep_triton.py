"""The consensus sweep on the GPU, by Triton; `consensus_sweep` explains the idea.

The competitors of each sample come from `consensus_sample_triton`. Their leads are added in the order of the CPU's
code, so that the decisions are the same, bit for bit.

In the sweep over all subsets a thread decides 64 ensembles, 2 low parts with 32 high parts. One subtraction tells
whether a competitor wins, by its sign; one integer operation unites the signs of two competitors with those before.
"""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

import torch

from . import gpu
from .consensus_sample_triton import Skylines, skylines_triton, votes_triton
from .gpu import tl, triton
from .subsets import LOW_MEMBERS, Ensembles, rows_of

GPU_HIGH, GPU_ENSEMBLES, GPU_SAMPLES = 32, 128, 128  # high parts, listed ensembles, and samples of a program
GPU_LISTED, GPU_LEAST_CLASSES, GPU_MEMBERS = 1 << 25, 8, 32  # samples × classes of so many members at a time


def sweep_triton(scores: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, vote: bool) -> torch.Tensor:
    """Counts of correct samples, int64 [E] as `subsets.rows_of` numbers the ensembles.

    `scores` float [M, N, C] and `labels` int64 [N], contiguous, both on the GPU.
    """
    scores = scores.contiguous()
    samples, classes = scores.shape[1:]
    counts = torch.zeros(rows_of(ensembles, len(scores)), dtype=torch.int64, device=scores.device)
    chosen = None if isinstance(ensembles, str) else ensembles.T.to(torch.int8).contiguous()
    votes = votes_triton(scores) if vote else None
    step = max(1, GPU_LISTED // (max(classes, GPU_LEAST_CLASSES) * gpu.cdiv(len(scores), GPU_MEMBERS)))
    for first in range(0, samples, step):
        with gpu.on(scores):
            skylines = skylines_triton(scores, labels, votes, first, min(step, samples - first))
            if chosen is None:
                _launch_all(skylines, counts)
            else:
                _launch_listed(skylines, chosen, counts)
    return counts


def _launch_all(skylines: Skylines, counts: torch.Tensor) -> None:
    members, samples = skylines.leads.shape[1], len(skylines.offsets) - 1
    low = min(members, LOW_MEMBERS)
    high = min(GPU_HIGH, len(counts) >> low)
    _sweep_all_kernel[(len(counts) // (high << low), gpu.cdiv(samples, GPU_SAMPLES))](
        offsets=skylines.offsets,
        leads=skylines.leads,
        ties=skylines.ties,
        counts=counts,
        samples=samples,
        MEMBERS=members,
        LOW_MEMBERS=low,
        LOW=1 << low,
        HIGH=high,
        SAMPLES=GPU_SAMPLES,
        num_warps=2,
    )


def _launch_listed(skylines: Skylines, chosen: torch.Tensor, counts: torch.Tensor) -> None:
    members, samples = skylines.leads.shape[1], len(skylines.offsets) - 1
    _sweep_listed_kernel[(gpu.cdiv(len(counts), GPU_ENSEMBLES), gpu.cdiv(samples, GPU_SAMPLES))](
        offsets=skylines.offsets,
        leads=skylines.leads,
        ties=skylines.ties,
        chosen=chosen,
        counts=counts,
        members=members,
        samples=samples,
        ensembles=len(counts),
        ENSEMBLES=GPU_ENSEMBLES,
        SAMPLES=GPU_SAMPLES,
        num_warps=1,
    )


@triton.jit
def _sweep_all_kernel(
    offsets: gpu.Pointer,  # int32 [samples + 1], the place of each sample's first competitor
    leads: gpu.Pointer,  # float64 [offsets[samples], MEMBERS]
    ties: gpu.Pointer,  # int8 [offsets[samples]]
    counts: gpu.Pointer,  # int64 [2^MEMBERS], added to: the samples that an ensemble classifies correctly
    samples: gpu.Integer,
    MEMBERS: tl.constexpr,
    LOW_MEMBERS: tl.constexpr,  # the bits of a low part
    LOW: tl.constexpr,  # low parts, all of them
    HIGH: tl.constexpr,  # high parts of a program
    SAMPLES: tl.constexpr,  # of a program
) -> None:
    """counts[e] += samples on which no competitor has a positive sum of leads in ensemble e (or 0, if it wins ties).

    Grid: parts of the ensembles × parts of the samples.
    """
    low, high = tl.arange(0, LOW), tl.program_id(0) * HIGH + tl.arange(0, HIGH)
    first = tl.program_id(1) * SAMPLES
    correct = tl.zeros((HIGH, LOW), tl.int32)
    for sample in range(first, min(first + SAMPLES, samples)):
        signs, stop = tl.zeros((HIGH, LOW), tl.int32), tl.load(offsets + sample + 1)
        for k in range(tl.load(offsets + sample), stop, 2):
            one = _signs(leads, ties, k, stop, low, high, MEMBERS, LOW_MEMBERS)
            signs |= one | _signs(leads, ties, k + 1, stop, low, high, MEMBERS, LOW_MEMBERS)
        correct += 1 + (signs >> 31)
    e = high[:, None] * LOW + low[None, :]
    tl.atomic_add(counts + e, correct.to(tl.int64))


@triton.jit
def _signs(
    leads: tl.tensor,
    ties: tl.tensor,
    k: tl.tensor,
    stop: tl.tensor,
    low: tl.tensor,
    high: tl.tensor,
    MEMBERS: tl.constexpr,
    LOW_MEMBERS: tl.constexpr,
) -> tl.tensor:
    """int32 [HIGH, LOW], negative where competitor k wins; it wins nowhere if k = stop. Bits of ensembles are factors.

    A factor of 0 or 1 takes one instruction, a condition two.
    """
    there = k < stop
    row = leads + tl.cast(k, tl.int64) * MEMBERS
    low_sums, high_sums = tl.zeros(low.shape, tl.float64), tl.zeros(high.shape, tl.float64)
    for bit in tl.static_range(LOW_MEMBERS):
        low_sums = tl.fma((low >> bit & 1).to(tl.float64), tl.load(row + bit, there, other=0), low_sums)
    # Not static: Triton would let every thread compute the sums of all rows, instead of one each.
    for bit in range(MEMBERS - LOW_MEMBERS):
        lead = tl.load(row + LOW_MEMBERS + bit, there, other=0)
        high_sums = tl.fma((high >> bit & 1).to(tl.float64), lead, high_sums)
    low_sums = tl.where(tl.load(ties + k, there, other=0) != 0, _next_above(low_sums), low_sums)
    # 0.0 - high_sums, because -high_sums could be -0, and so the margin, whose sign is set, too.
    margin = (0.0 - high_sums)[:, None] - low_sums[None, :]
    return (margin.to(tl.int64, bitcast=True) >> 32).to(tl.int32)


@triton.jit
def _next_above(numbers: tl.tensor) -> tl.tensor:
    """The next larger float64 of each: a sum of 0 becomes the smallest positive number."""
    bits = (numbers + 0.0).to(tl.int64, bitcast=True)  # -0 + 0 is 0
    return (bits + tl.where(bits >= 0, 1, -1)).to(tl.float64, bitcast=True)


@triton.jit
def _sweep_listed_kernel(
    offsets: gpu.Pointer,  # int32 [samples + 1], the place of each sample's first competitor
    leads: gpu.Pointer,  # float64 [offsets[samples], members]
    ties: gpu.Pointer,  # int8 [offsets[samples]]
    chosen: gpu.Pointer,  # int8 [members, ensembles], 1 for the members of an ensemble
    counts: gpu.Pointer,  # int64 [ensembles], added to
    members: gpu.Integer,
    samples: gpu.Integer,
    ensembles: gpu.Integer,
    ENSEMBLES: tl.constexpr,  # of a program
    SAMPLES: tl.constexpr,  # of a program
) -> None:
    """As `_sweep_all_kernel`, for a list of ensembles; leads are added in the order of the members.

    Grid: parts of the ensembles × parts of the samples.
    """
    e, first = tl.program_id(0) * ENSEMBLES + tl.arange(0, ENSEMBLES), tl.program_id(1) * SAMPLES
    correct = tl.zeros((ENSEMBLES,), tl.int32)
    for sample in range(first, min(first + SAMPLES, samples)):
        lost = tl.zeros((ENSEMBLES,), tl.int32)
        for k in range(tl.load(offsets + sample), tl.load(offsets + sample + 1)):
            sums, tie = tl.zeros((ENSEMBLES,), tl.float64), tl.load(ties + k) != 0
            for member in range(members):
                lead = tl.load(leads + tl.cast(k, tl.int64) * members + member)
                inside = tl.load(chosen + tl.cast(member, tl.int64) * ensembles + e, e < ensembles, other=0)
                sums += tl.where(inside != 0, lead, 0.0)
            lost |= ((sums > 0) | ((sums == 0) & tie)).to(tl.int32)
        correct += 1 - lost
    tl.atomic_add(counts + e, correct.to(tl.int64), e < ensembles)
