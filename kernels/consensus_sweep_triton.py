"""The consensus sweep on the GPU, by Triton; `consensus_sweep` explains the idea."""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

import torch

from . import gpu
from .bits import WORD, count_ones_triton, words_of
from .gpu import tl, triton
from .subsets import Ensembles, membership, rows_of

GPU_ENSEMBLES, GPU_MEMBERS, GPU_CLASSES = 128, 32, 512  # ensembles per program, members and classes per step
GPU_LISTED = 1 << 26  # samples × classes for whose competitors there is room


def sweep_triton(scores: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, vote: bool) -> torch.Tensor:
    """Counts of correct samples, int64 [E] as `subsets.rows_of` numbers the ensembles.

    `scores` float [M, N, C] and `labels` int64 [N], contiguous, both on the GPU.
    """
    scores = scores.contiguous()
    members, samples, classes = scores.shape
    rows = rows_of(ensembles, members)
    chosen = membership(ensembles, 0, rows, scores).to(torch.int8)
    counts = torch.zeros(rows, dtype=torch.int64, device=scores.device)
    favourites, weights = (scores.argmax(2), _vote_weights(scores)) if vote else (labels, labels)
    step = WORD * max(1, GPU_LISTED // (classes * WORD))
    listed = torch.empty(min(step, samples), classes, dtype=torch.int32, device=scores.device)
    sizes = torch.empty(len(listed), dtype=torch.int32, device=scores.device)
    for first in range(0, samples, step):
        count = min(step, samples - first)
        with gpu.on(scores):
            _competitors_kernel[(count,)](
                scores=scores,
                labels=labels,
                favourites=favourites,
                listed=listed,
                sizes=sizes,
                members=members,
                samples=samples,
                classes=classes,
                first=first,
                VOTE=vote,
                BLOCK=min(GPU_CLASSES, gpu.power_of_2(classes)),
            )
            _sweep_kernel[(gpu.cdiv(rows, GPU_ENSEMBLES), words_of(count))](
                scores=scores,
                labels=labels,
                favourites=favourites,
                weights=weights,
                listed=listed,
                sizes=sizes,
                chosen=chosen,
                counts=counts,
                members=members,
                samples=samples,
                classes=classes,
                ensembles=rows,
                first=first,
                count=count,
                VOTE=vote,
                ENSEMBLES=GPU_ENSEMBLES,
                MEMBERS=min(GPU_MEMBERS, gpu.power_of_2(members)),
                num_warps=4,
            )
    return counts


def _vote_weights(scores: torch.Tensor) -> torch.Tensor:
    """What one vote weighs on each sample, float64 [N]: a power of two above any sum of the sample's scores."""
    return torch.exp2(torch.floor(torch.log2(scores.amax(2).double().sum(0).clamp_min(1e-300))) + 2)


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
    sample = first + i
    label = tl.load(labels + sample)
    size = 0
    for start in range(0, classes, BLOCK):
        c = start + tl.arange(0, BLOCK)
        marked = tl.zeros((BLOCK,), tl.int32)
        for member in range(members):
            if VOTE:
                marked |= (c == tl.load(favourites + member * samples + sample)).to(tl.int32)
            else:
                row = scores + (member * samples + sample) * classes
                score, own = tl.load(row + c, c < classes, other=0), tl.load(row + label)
                marked |= ((score > own) | ((score == own) & (c < label))).to(tl.int32)
        marked = tl.where((c < classes) & (c != label), marked, 0)
        tl.store(listed + i * classes + size + tl.cumsum(marked, 0) - 1, c, marked > 0)
        size += tl.sum(marked, 0)
    tl.store(sizes + i, size)


@triton.jit
def _sweep_kernel(
    scores: gpu.Pointer,  # floating dtype [members, samples, classes]
    labels: gpu.Pointer,  # int64 [samples]
    favourites: gpu.Pointer,  # int64 [members, samples], the class that a member puts first; read only if VOTE
    weights: gpu.Pointer,  # float64 [samples], what one vote weighs; read only if VOTE
    listed: gpu.Pointer,  # int32 [count, classes], the competitors of each sample
    sizes: gpu.Pointer,  # int32 [count], how many there are
    chosen: gpu.Pointer,  # int8 [ensembles, members], 1 for the members of an ensemble
    counts: gpu.Pointer,  # int64 [ensembles], added to: the samples that an ensemble classifies correctly
    members: gpu.Integer,
    samples: gpu.Integer,
    classes: gpu.Integer,
    ensembles: gpu.Integer,
    first: gpu.Integer,  # sample of the first row of `listed`
    count: gpu.Integer,  # samples from `first` on
    VOTE: tl.constexpr,
    ENSEMBLES: tl.constexpr,  # per program
    MEMBERS: tl.constexpr,  # per step
) -> None:
    """64 samples for a tile of ensembles, in float64 as on the CPU.

    Grid: tiles of ensembles × words of 64 samples.
    """
    e, word = tl.program_id(0) * ENSEMBLES + tl.arange(0, ENSEMBLES), tl.program_id(1).to(tl.int64)
    outcome = tl.zeros((ENSEMBLES,), tl.int64)
    for lane in range(min(64, count - word * 64)):
        i = word * 64 + lane
        sample = first + i
        label = tl.load(labels + sample)
        lost = tl.zeros((ENSEMBLES,), tl.int32)
        for k in range(tl.load(sizes + i)):
            c = tl.load(listed + i * classes + k)
            sums = tl.zeros((ENSEMBLES,), tl.float64)
            for start in range(0, members, MEMBERS):
                m = start + tl.arange(0, MEMBERS)
                row = scores + (m.to(tl.int64) * samples + sample) * classes
                lead = tl.load(row + c, m < members, other=0).to(tl.float64)
                lead -= tl.load(row + label, m < members, other=0).to(tl.float64)
                if VOTE:
                    favourite = tl.load(favourites + m.to(tl.int64) * samples + sample, m < members, other=-1)
                    votes = (favourite == c).to(tl.float64) - (favourite == label).to(tl.float64)
                    lead += tl.load(weights + sample) * votes
                inside = (e < ensembles)[:, None] & (m < members)[None, :]
                member_of = tl.load(chosen + e[:, None].to(tl.int64) * members + m[None, :], inside, other=0)
                sums += tl.sum(tl.where(member_of != 0, lead[None, :], 0.0), 1)
            lost |= ((sums > 0) | ((sums == 0) & (c < label))).to(tl.int32)
        outcome |= (1 - lost).to(tl.int64) << lane
    tl.atomic_add(counts + e, count_ones_triton(outcome), e < ensembles)
