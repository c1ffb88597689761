"""Competitors, their skyline and their leads on the GPU, by Triton; `consensus_sweep` explains the idea.

The leads are those that `consensus_sample_numba` computes, bit for bit.
"""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

from dataclasses import dataclass

import torch

from . import gpu
from .gpu import tl, triton

GPU_CLASSES, GPU_BLOCK = 512, 128  # classes, and competitors, that are looked at together


@dataclass(frozen=True)
class Skylines:
    """The competitors of some samples, K in all, without gaps; on the GPU."""

    offsets: torch.Tensor  # int32 [samples + 1]: sample i has the competitors offsets[i] : offsets[i + 1]
    leads: torch.Tensor  # float64 [max(1, K), members], over the label
    ties: torch.Tensor  # int8 [max(1, K)], 1 if the competitor wins a tie with the label


@dataclass(frozen=True)
class Votes:
    """What members vote for; on the GPU."""

    favourites: torch.Tensor  # int64 [members, samples], the class that a member puts first
    weights: torch.Tensor  # float64 [samples], what one vote weighs


def votes_triton(scores: torch.Tensor) -> Votes:
    """A vote weighs a power of two above any sum of the sample's scores; the sum is added as on the CPU."""
    highest, favourites = scores.max(2)
    total = torch.zeros(scores.shape[1], dtype=torch.float64, device=scores.device)
    for own in highest:
        total += own
    return Votes(favourites, torch.ldexp(torch.ones_like(total), torch.frexp(total).exponent + 1))


def skylines_triton(
    scores: torch.Tensor, labels: torch.Tensor, votes: Votes | None, first: int, count: int
) -> Skylines:
    """Of samples first : first + count. `scores` float [M, N, C] and `labels` int64 [N], contiguous, on the GPU."""
    vote = votes is not None
    favourites, weights = (votes.favourites, votes.weights) if votes else (labels, labels)
    members, samples, classes = scores.shape
    read = {"scores": scores, "labels": labels, "favourites": favourites, "first": first, "VOTE": vote}
    read |= {"members": members, "samples": samples, "classes": classes}
    listed = torch.empty(count, classes, dtype=torch.int32, device=scores.device)
    sizes = torch.zeros(count, dtype=torch.int32, device=scores.device)
    _competitors_kernel[(count,)](
        **read,
        listed=listed,
        sizes=sizes,
        BLOCK=min(GPU_CLASSES, gpu.power_of_2(classes)),
        num_warps=4,
    )
    kept = torch.empty_like(listed)
    _skyline_kernel[(count,)](
        **read,
        weights=weights,
        listed=listed,
        kept=kept,
        sizes=sizes,
        BLOCK=GPU_BLOCK,
        num_warps=1,
    )
    offsets = torch.nn.functional.pad(sizes.cumsum(0, dtype=torch.int32), (1, 0))
    total = max(1, int(offsets[-1]))
    leads = torch.empty(total, members, dtype=torch.float64, device=scores.device)
    ties = torch.empty(total, dtype=torch.int8, device=scores.device)
    _leads_kernel[(count,)](
        **read,
        weights=weights,
        kept=kept,
        offsets=offsets,
        leads=leads,
        ties=ties,
        MEMBERS=gpu.power_of_2(members),
        num_warps=1,
    )
    return Skylines(offsets, leads, ties)


@triton.jit
def _competitors_kernel(
    scores: gpu.Pointer,  # floating dtype [members, samples, classes]
    labels: gpu.Pointer,  # int64 [samples]
    favourites: gpu.Pointer,  # int64 [members, samples], the class that a member puts first; read only if VOTE
    listed: gpu.Pointer,  # int32 [count, classes], written: the competitors of each sample, in increasing order
    sizes: gpu.Pointer,  # int32 [count], written: how many there are
    members: gpu.Integer,
    samples: gpu.Integer,
    classes: gpu.Integer,
    first: gpu.Integer,  # sample of the first of `count` rows
    VOTE: tl.constexpr,
    BLOCK: tl.constexpr,  # classes per step
) -> None:
    """listed[i, :sizes[i]] = classes that beat the label of sample first + i in a member, or that a member votes for.

    Grid: rows of `listed`.
    """
    i = tl.program_id(0).to(tl.int64)
    sample, stride = first + i, tl.cast(samples, tl.int64)  # samples × members may not fit int32
    label = tl.load(labels + sample)
    size = 0
    for start in range(0, classes, BLOCK):
        c = start + tl.arange(0, BLOCK)
        marked = tl.zeros((BLOCK,), tl.int32)
        for member in range(members):
            if VOTE:
                marked |= (c == tl.load(favourites + member * stride + sample)).to(tl.int32)
            else:
                row = scores + (member * stride + sample) * classes
                score, own = tl.load(row + c, c < classes, other=0), tl.load(row + label)
                marked |= ((score > own) | ((score == own) & (c < label))).to(tl.int32)
        marked = tl.where((c < classes) & (c != label), marked, 0)
        tl.store(listed + i * classes + size + tl.cumsum(marked, 0) - 1, c, marked > 0)
        size += tl.sum(marked, 0)
    tl.store(sizes + i, size)


@triton.jit
def _skyline_kernel(
    scores: gpu.Pointer,  # floating dtype [members, samples, classes]
    labels: gpu.Pointer,  # int64 [samples]
    favourites: gpu.Pointer,  # int64 [members, samples]; read only if VOTE
    weights: gpu.Pointer,  # float64 [samples], what one vote weighs; read only if VOTE
    listed: gpu.Pointer,  # int32 [count, classes], the competitors of each sample
    kept: gpu.Pointer,  # int32 [count, classes], written: those that no other matches or exceeds in every member
    sizes: gpu.Pointer,  # int32 [count], how many there are, of `listed` before and of `kept` after
    members: gpu.Integer,
    samples: gpu.Integer,
    classes: gpu.Integer,
    first: gpu.Integer,  # sample of the first of `count` rows
    VOTE: tl.constexpr,
    BLOCK: tl.constexpr,  # competitors that are compared with one at a time
) -> None:
    """Of each block, the strongest that is left is kept and removes those that it dominates, until none is left.

    Blocks after the first lose those that earlier blocks dominate. What a later block dominates in an earlier one
    stays: it decides nothing, and only costs time.

    Grid: rows of `listed`.
    """
    i = tl.program_id(0).to(tl.int64)
    sample, kept_row = first + i, kept + i * classes
    label = tl.load(labels + sample)
    weight = tl.load(weights + sample) if VOTE else 0.0
    row, favourites, stride = scores + sample * classes, favourites + sample, tl.cast(samples, tl.int64)
    size, count = tl.load(sizes + i), 0
    for start in range(0, size, BLOCK):
        place = start + tl.arange(0, BLOCK)
        c = tl.load(listed + i * classes + place, place < size, other=0)
        left = place < size
        for k in range(count):
            other = tl.load(kept_row + k)
            left &= ~_dominated(row, favourites, weight, c, other, left, label, members, stride, classes, VOTE)
        strength = tl.zeros((BLOCK,), tl.float64 if VOTE else tl.float32)
        for member in range(members):
            value = _value(row, favourites, weight, member, c, left, stride, classes, VOTE)
            strength += value.to(strength.dtype)
        strongest = tl.max(tl.where(left, strength, -1.0), 0)
        while strongest >= 0:
            other = tl.max(tl.where(left & (strength == strongest), c, -1), 0)
            tl.store(kept_row + count, other)
            count += 1
            beaten = _dominated(row, favourites, weight, c, other, left, label, members, stride, classes, VOTE)
            left &= ~(beaten | (c == other))
            strongest = tl.max(tl.where(left, strength, -1.0), 0)
        tl.debug_barrier()  # the next block reads what this one kept
    tl.store(sizes + i, count)


@triton.jit
def _dominated(
    row: tl.tensor,
    favourites: tl.tensor,
    weight: tl.tensor,
    c: tl.tensor,
    other: tl.tensor,
    left: tl.tensor,
    label: tl.tensor,
    members: tl.tensor,
    stride: tl.tensor,
    classes: tl.tensor,
    VOTE: tl.constexpr,
) -> tl.tensor:
    """Whether class `other` matches or exceeds the classes `c` in every member, and wins the ties that they win."""
    found = left & ((c > label) | (other < label))
    for member in range(members):
        value = _value(row, favourites, weight, member, c, left, stride, classes, VOTE)
        found &= value <= _value(row, favourites, weight, member, other, True, stride, classes, VOTE)
    return found


@triton.jit
def _value(
    row: tl.tensor,  # address of the sample's scores in member 0
    favourites: tl.tensor,  # address of the sample's favourite in member 0
    weight: tl.tensor,
    member: tl.tensor,
    c: tl.tensor,
    inside: tl.tensor,
    stride: tl.tensor,  # samples, as int64: samples × members may not fit int32
    classes: tl.tensor,
    VOTE: tl.constexpr,
) -> tl.tensor:
    """Of the classes `c`, a number that orders them as their leads in this member do."""
    value = tl.load(row + member * stride * classes + c, inside, other=0)
    if VOTE:
        votes = (c == tl.load(favourites + member * stride)).to(tl.float64)
        value = value.to(tl.float64) + weight * votes
    return value


@triton.jit
def _leads_kernel(
    scores: gpu.Pointer,  # floating dtype [members, samples, classes]
    labels: gpu.Pointer,  # int64 [samples]
    favourites: gpu.Pointer,  # int64 [members, samples]; read only if VOTE
    weights: gpu.Pointer,  # float64 [samples]; read only if VOTE
    kept: gpu.Pointer,  # int32 [count, classes], the skyline of each sample
    offsets: gpu.Pointer,  # int32 [count + 1], the place of each sample's first competitor
    leads: gpu.Pointer,  # float64 [offsets[count], members], written
    ties: gpu.Pointer,  # int8 [offsets[count]], written: whether the competitor wins a tie with the label
    members: gpu.Integer,
    samples: gpu.Integer,
    classes: gpu.Integer,
    first: gpu.Integer,  # sample of the first of `count` rows
    VOTE: tl.constexpr,
    MEMBERS: tl.constexpr,  # a power of two, at least the number of members
) -> None:
    """The leads of each competitor over the label, as `consensus_sample_numba.leads_of_sample` computes them.

    Grid: samples.
    """
    i = tl.program_id(0).to(tl.int64)
    sample, start = first + i, tl.load(offsets + i).to(tl.int64)
    label = tl.load(labels + sample)
    m = tl.arange(0, MEMBERS).to(tl.int64)
    row = scores + (m * samples + sample) * classes
    own = tl.load(row + label, m < members, other=0).to(tl.float64)
    for k in range(tl.load(offsets + i + 1) - tl.load(offsets + i)):
        c = tl.load(kept + i * classes + k)
        lead = tl.load(row + c, m < members, other=0).to(tl.float64) - own
        if VOTE:
            favourite = tl.load(favourites + m * samples + sample, m < members, other=-1)
            lead += tl.load(weights + sample) * ((favourite == c).to(tl.float64) - (favourite == label).to(tl.float64))
        tl.store(leads + (start + k) * members + m, lead, m < members)
        tl.store(ties + start + k, (c < label).to(tl.int8))
