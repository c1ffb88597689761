"""Joint correctness of every pair of members, from which the measures in `correctness_measures` follow.

The idea. One bit per sample, 64 samples per word: `popcount(a & b)` counts 64 samples at once, and the whole input
shrinks to M N / 8 bytes, which fit a cache.
"""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

from typing import Any

import numpy as np
import torch

from . import checks, cpu, gpu
from .bits import count_ones, pack_bits
from .cpu import compiled
from .gpu import tl, triton
from .pairs import mirrored

TILE_WORDS = 512  # of one member: those of two members fit the first-level cache
GPU_TILE, GPU_STEP, GPU_STEPS = 64, 128, 16  # members per tile, samples per step, steps per program
ALIGNMENT = 16  # bytes of the widest load
EXACT_IN_FLOAT32 = 1 << 24


def joint_correctness(correct: torch.Tensor) -> torch.Tensor:
    """Number of samples that both members of a pair classify correctly; the diagonal is for one member.

    Args:
        correct: bool [M, N], whether a member classifies a sample correctly.

    Returns:
        int64 [M, M], symmetric. Counts of shards of samples add up.

    Raises:
        ValueError: names the argument.

    Cost: M² N / 128 word operations and M N / 8 bytes. Measured on two CPU cores: 4.5 times the rate of a float32
    matrix product at M=256.
    """
    checks.require_tensor("correct", correct, "members, samples")
    checks.require_bool("correct", correct)
    if gpu.usable(correct):
        return _count_triton(correct)
    if cpu.worthwhile(correct, len(correct) * correct.numel()):
        return _count_numba(correct)
    return _count_torch(correct)


# ----------------------------------------------------------------------------------------------------------- CPU, numba


def _count_numba(correct: torch.Tensor) -> torch.Tensor:
    words = pack_bits(correct).numpy().view(np.uint64)
    counts = torch.zeros(len(correct), len(correct), dtype=torch.int64)
    pieces = cpu.interleaved(len(correct))
    cpu.parallel(lambda first, step: _count_pairs(words, first, step, TILE_WORDS, counts.numpy()), pieces)
    return mirrored(counts)


@compiled
def _count_pairs(words: Any, first: int, step: int, tile: int, counts: Any) -> None:
    """Rows first, first + step, ... of the upper triangle of `counts`, int64 [M, M], from uint64 [M, words]."""
    for start in range(0, words.shape[1], tile):
        stop = min(words.shape[1], start + tile)
        for a in range(first, len(words), step):
            for b in range(a, len(words)):
                counts[a, b] += _shared_ones(words[a, start:stop], words[b, start:stop])


@compiled
def _shared_ones(a: Any, b: Any) -> Any:
    """Bits that are set in both, of uint64 [words] each."""
    count = np.int64(0)
    for i in range(len(a)):
        count += np.int64(count_ones(a[i] & b[i]))
    return count


# ---------------------------------------------------------------------------------------------------------- GPU, Triton


def _count_triton(correct: torch.Tensor) -> torch.Tensor:
    """Rows are padded to a multiple of 16 samples, for loads of 16 bytes; others took registers until they spilled."""
    correct = correct.contiguous().view(torch.int8)
    if missing := -correct.shape[1] % ALIGNMENT:  # without this condition, pad copies even where nothing is missing
        correct = torch.nn.functional.pad(correct, (0, missing))
    members, samples = correct.shape
    counts = torch.zeros(members, members, dtype=torch.int64, device=correct.device)
    tiles, steps = gpu.cdiv(members, GPU_TILE), min(GPU_STEPS, gpu.cdiv(samples, GPU_STEP))
    splits = gpu.cdiv(samples, GPU_STEP * steps)
    with gpu.on(correct):
        _count_kernel[(tiles, tiles, splits)](
            correct=correct,
            counts=counts,
            members=members,
            samples=samples,
            steps=steps,
            TILE=GPU_TILE,
            STEP=GPU_STEP,
            num_warps=4,
            num_stages=3,
        )
    return mirrored(counts)


@triton.jit
def _count_kernel(
    correct: gpu.Pointer,  # int8 [members, samples], 0 or 1
    counts: gpu.Pointer,  # int64 [members, members], zeros; its upper triangle is added to
    members: gpu.Integer,
    samples: gpu.Integer,
    steps: gpu.Integer,  # that one program takes
    TILE: tl.constexpr,  # rows, and columns, of a tile of `counts`
    STEP: tl.constexpr,  # samples
) -> None:
    """counts[i, j] += correct[i] @ correct[j].T over `steps` steps of samples, int8 on tensor cores, for i <= j.

    Grid: tiles of rows × tiles of columns × parts of the samples.
    """
    i, j, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    if i > j:
        return
    rows, columns = i * TILE + tl.arange(0, TILE), j * TILE + tl.arange(0, TILE)
    count = tl.zeros((TILE, TILE), tl.int32)
    for step in range(steps):
        n = (split * steps + step) * STEP + tl.arange(0, STEP)
        n_inside = (n < samples)[None, :]
        a = tl.load(
            correct + rows[:, None].to(tl.int64) * samples + n[None, :], n_inside & (rows < members)[:, None], other=0
        )
        b = tl.load(
            correct + columns[:, None].to(tl.int64) * samples + n[None, :],
            n_inside & (columns < members)[:, None],
            other=0,
        )
        count = tl.dot(a, tl.trans(b), acc=count, out_dtype=tl.int32)
    inside = (rows < members)[:, None] & (columns < members)[None, :]
    tl.atomic_add(counts + rows[:, None] * members + columns[None, :], count.to(tl.int64), inside)


# ---------------------------------------------------------------------------------------------------------- plain torch


def _count_torch(correct: torch.Tensor) -> torch.Tensor:
    """A matrix product of zeros and ones: float32 counts exactly up to 2^24."""
    counts = correct.new_zeros(len(correct), len(correct), dtype=torch.int64)
    for shard in correct.split(min(EXACT_IN_FLOAT32, checks.rows_of_chunk(len(correct))), dim=1):
        numbers = shard.float()
        counts += (numbers @ numbers.T).long()
    return counts
