"""The consensus sweep on the GPU; the idea is told in `consensus_sweep`."""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

import torch

from kernels import gpu
from kernels.bits import WORD, words_of
from kernels.gpu import tl, triton
from kernels.subsets import Ensembles, membership, rows_of

GPU_ENSEMBLES, GPU_MEMBERS, GPU_CLASSES = 128, 32, 512  # a program's tile of ensembles; steps over members and classes
GPU_LISTED = 1 << 26  # room for competitors, samples × classes


@triton.jit
def _competitors_kernel(
    scores: tl.tensor,
    labels: tl.tensor,
    favourites: tl.tensor,
    listed: tl.tensor,
    sizes: tl.tensor,
    members: tl.tensor,
    samples: tl.tensor,
    classes: tl.tensor,
    first: tl.tensor,
    VOTE: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """listed[i, :sizes[i]] = classes of sample first + i above its label in a member (VOTE: a member's favourite)."""
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
    scores: tl.tensor,
    labels: tl.tensor,
    favourites: tl.tensor,
    weights: tl.tensor,
    listed: tl.tensor,
    sizes: tl.tensor,
    chosen: tl.tensor,
    counts: tl.tensor,
    bits: tl.tensor,
    members: tl.tensor,
    samples: tl.tensor,
    classes: tl.tensor,
    ensembles: tl.tensor,
    first: tl.tensor,
    count: tl.tensor,
    words: tl.tensor,
    VOTE: tl.constexpr,
    KEEP_BITS: tl.constexpr,
    ENSEMBLES: tl.constexpr,
    MEMBERS: tl.constexpr,
) -> None:
    """One word of 64 samples, from sample `first` on, for a tile of ensembles, float64 like the CPU's."""
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
    ones = outcome.to(tl.uint64, bitcast=True)  # the sum by halves; LLVM makes one popc of it
    ones = ones - ((ones >> 1) & 0x5555555555555555)
    ones = (ones & 0x3333333333333333) + ((ones >> 2) & 0x3333333333333333)
    ones = (ones + (ones >> 4)) & 0x0F0F0F0F0F0F0F0F
    tl.atomic_add(counts + e, ((ones * 0x0101010101010101) >> 56).to(tl.int64), e < ensembles)
    if KEEP_BITS:
        tl.store(bits + e.to(tl.int64) * words + first // 64 + word, outcome, e < ensembles)


def sweep_triton(
    scores: torch.Tensor, labels: torch.Tensor, ensembles: Ensembles, vote: bool, bits: torch.Tensor
) -> torch.Tensor:
    """Counts int64 [E]; `bits` int64 [E, words], or [E, 0] where they are not wanted, is filled."""
    scores = scores.contiguous()
    members, samples, classes = scores.shape
    rows = rows_of(ensembles, members)
    chosen = membership(ensembles, 0, rows, scores).to(torch.int8)
    counts = torch.zeros(rows, dtype=torch.int64, device=scores.device)
    favourites, weights = (scores.argmax(2), _vote_weights(scores)) if vote else (labels, labels)
    step = WORD * max(1, GPU_LISTED // (classes * WORD))
    listed = torch.empty(min(step, samples), classes, dtype=torch.int32, device=scores.device)
    sizes = torch.empty(len(listed), dtype=torch.int32, device=scores.device)
    block = min(GPU_CLASSES, gpu.power_of_2(classes))
    for first in range(0, samples, step):
        count = min(step, samples - first)
        with gpu.on(scores):
            _competitors_kernel[(count,)](
                scores, labels, favourites, listed, sizes, members, samples, classes, first, VOTE=vote, BLOCK=block
            )
            _sweep_kernel[(gpu.cdiv(rows, GPU_ENSEMBLES), words_of(count))](
                scores,
                labels,
                favourites,
                weights,
                listed,
                sizes,
                chosen,
                counts,
                bits,
                members,
                samples,
                classes,
                rows,
                first,
                count,
                bits.shape[1],
                VOTE=vote,
                KEEP_BITS=bits.shape[1] > 0,
                ENSEMBLES=GPU_ENSEMBLES,
                MEMBERS=min(GPU_MEMBERS, gpu.power_of_2(members)),
                num_warps=4,
            )
    return counts


def _vote_weights(scores: torch.Tensor) -> torch.Tensor:
    """float64 [N]: a power of two above any sum of a sample's scores."""
    return torch.exp2(torch.floor(torch.log2(scores.amax(2).double().sum(0).clamp_min(1e-300))) + 2)
