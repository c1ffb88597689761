"""Label disagreement of every pair of members.

The idea. Class ids are cut into bit planes, 64 samples per word: plane p of a member holds bit p of its predictions.
Two members differ on the samples where any plane differs, `(a0 ^ b0) | (a1 ^ b1) | ...`, and a population count adds
them up: a pair costs about (planes + 1) / 64 word operations per sample instead of one comparison, and ids of 1000
classes take 10 bits instead of 64.
"""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

from typing import Any

import numpy as np
import torch

from . import checks, cpu, gpu
from .bits import count_ones, count_ones_triton, pack_bits, words_of
from .checks import Reduction
from .cpu import compiled
from .gpu import tl, triton
from .pairs import mirrored

MAX_CLASSES = 1 << 16
TILE_WORDS = 128  # at 1000 classes the planes of two members, 20 KiB, fit the first-level cache
BLOCK_MEMBERS = 64  # and those of this many members, 640 KiB, the second-level cache
GPU_ROWS, GPU_COLUMNS, GPU_STEPS = 16, 64, 16  # members of a tile of pairs, words of 64 samples per program


def disagreement(predictions: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    """Share (or, with "sum", number) of samples for which two members predict different classes.

    Args:
        predictions: integer [M, N], class ids from 0 to 65 535.
        reduction: "mean", or "sum" for numbers that add up over shards of samples.

    Returns:
        float64 [M, M], symmetric, with a zero diagonal.

    Raises:
        ValueError: names the argument and the first offending index.

    Definition: `disagreement` in docs/measures.md.

    Cost: M N planes bit operations to cut, M² N (planes + 1) / 128 to count, planes = bits of the largest class id;
    memory M N planes / 8 bytes. Measured on two CPU cores: 20 G comparisons per second at M=256 (docs/kernels.md).
    """
    checks.require_tensor("predictions", predictions, "members, samples")
    checks.require_integer("predictions", predictions)
    largest = checks.require_range("predictions", predictions, 0, MAX_CLASSES)
    checks.require_reduction(reduction)
    planes = max(1, largest.bit_length())
    if gpu.usable(predictions):
        counts = _count_triton(predictions, planes)
    elif cpu.worthwhile(predictions, len(predictions) * predictions.numel()):
        counts = _count_numba(predictions, planes)
    elif predictions.device.type == "cpu":
        counts = _count_numpy(predictions, planes)
    else:
        counts = _count_torch(predictions)
    return counts.double() / predictions.shape[1] if reduction == "mean" else counts.double()


# ----------------------------------------------------------------------------------------------------------- CPU, numba


def _count_numba(predictions: torch.Tensor, planes: int) -> torch.Tensor:
    members, samples = predictions.shape
    ids = predictions.contiguous().numpy()
    width = min(TILE_WORDS, words_of(samples))
    cut = np.empty((-(-words_of(samples) // width), members, planes, width), np.uint64)
    counts = torch.zeros(members, members, dtype=torch.int64)
    pieces = cpu.interleaved(members)
    cpu.parallel(lambda first, step: _cut_into_planes(ids, first, step, cut), pieces)
    cpu.parallel(lambda first, step: _count_pairs(cut, first, step, BLOCK_MEMBERS, counts.numpy()), pieces)
    return counts + counts.T


@compiled
def _cut_into_planes(predictions: Any, first: int, step: int, planes: Any) -> None:
    """Members first, first + step, ... of int [M, N] into uint64 [tiles, M, planes, TILE_WORDS], zero at the end."""
    samples = predictions.shape[1]
    for member in range(first, len(predictions), step):
        for tile in range(len(planes)):
            for word in range(planes.shape[3]):
                start = min(samples, (tile * planes.shape[3] + word) * 64)
                chunk = predictions[member, start : min(samples, start + 64)]
                for plane in range(planes.shape[2]):
                    packed = np.uint64(0)
                    for i in range(len(chunk)):
                        packed |= ((np.uint64(chunk[i]) >> np.uint64(plane)) & np.uint64(1)) << np.uint64(i)
                    planes[tile, member, plane, word] = packed


@compiled
def _count_pairs(planes: Any, first: int, step: int, block: int, counts: Any) -> None:
    """Rows first, first + step, ... of the upper triangle of `counts`, int64 [M, M]; columns in blocks of members."""
    members = planes.shape[1]
    differs = np.empty(planes.shape[3], np.uint64)
    for tile in range(len(planes)):
        for start in range(0, members, block):
            stop = min(members, start + block)
            for a in range(first, stop, step):
                for b in range(max(a + 1, start), stop):
                    counts[a, b] += _differences(planes[tile, a], planes[tile, b], differs)


@compiled
def _differences(a: Any, b: Any, differs: Any) -> Any:
    """Samples on which any plane differs, of uint64 [planes, words] each; `differs` uint64 [words] is scratch space."""
    for i in range(len(differs)):
        differs[i] = a[0, i] ^ b[0, i]
    plane = 1
    while plane + 3 <= len(a):  # three planes at a time: a third of the loads and stores of `differs`
        for i in range(len(differs)):
            two = (a[plane, i] ^ b[plane, i]) | (a[plane + 1, i] ^ b[plane + 1, i])
            differs[i] |= two | (a[plane + 2, i] ^ b[plane + 2, i])
        plane += 3
    while plane < len(a):
        for i in range(len(differs)):
            differs[i] |= a[plane, i] ^ b[plane, i]
        plane += 1
    count = np.int64(0)
    for i in range(len(differs)):
        count += np.int64(count_ones(differs[i]))
    return count


# ---------------------------------------------------------------------------------------------------------- GPU, Triton


def _count_triton(predictions: torch.Tensor, planes: int) -> torch.Tensor:
    members, samples = predictions.shape
    words, tiles = words_of(samples), gpu.cdiv(members, GPU_COLUMNS)
    padded = tiles * GPU_COLUMNS  # loads and stores of whole tiles need no conditions
    cut = torch.empty(words, planes, padded, 2, dtype=torch.int32, device=predictions.device)
    counts = torch.zeros(members, members, dtype=torch.int64, device=predictions.device)
    with gpu.on(predictions):
        _cut_kernel[(words, tiles)](
            predictions=predictions.contiguous(),
            cut=cut,
            members=members,
            samples=samples,
            padded=padded,
            PLANES=planes,
            TILE=GPU_COLUMNS,
            num_warps=8,
        )
        _count_kernel[(gpu.cdiv(members, GPU_ROWS), tiles, gpu.cdiv(words, GPU_STEPS))](
            cut=cut.view(torch.int64),
            counts=counts,
            members=members,
            words=words,
            padded=padded,
            planes=planes,
            ROWS=GPU_ROWS,
            COLUMNS=GPU_COLUMNS,
            STEPS=GPU_STEPS,
            num_warps=1,
        )
    return mirrored(counts)


@triton.jit
def _cut_kernel(
    predictions: gpu.Pointer,  # any integer dtype [members, samples]
    cut: gpu.Pointer,  # int32 [words, PLANES, padded, 2], written; 64 samples per word, the first 32 in its first half
    members: gpu.Integer,
    samples: gpu.Integer,
    padded: gpu.Integer,  # members, rounded up to a multiple of TILE; those that are not there predict class 0
    PLANES: tl.constexpr,
    TILE: tl.constexpr,  # members per program
) -> None:
    """Class ids to bit planes; members lie side by side, as `_count_kernel` reads them.

    Grid: words × tiles of members.
    """
    word, tile = tl.program_id(0).to(tl.int64), tl.program_id(1)
    rows, lane, half = tile * TILE + tl.arange(0, TILE), tl.arange(0, 32), tl.arange(0, 2)
    n = word * 64 + half[None, :, None] * 32 + lane[None, None, :]
    inside = (rows < members)[:, None, None] & (n < samples)
    ids = tl.load(predictions + rows[:, None, None].to(tl.int64) * samples + n, inside, other=0).to(tl.int32)
    at = cut + (word * PLANES * padded + rows)[:, None] * 2 + half[None, :]
    for plane in tl.static_range(PLANES):
        packed = tl.sum(((ids >> plane) & 1) << lane[None, None, :], 2)  # distinct bits: their sum is their union
        tl.store(at + plane * padded * 2, packed)


@triton.jit
def _count_kernel(
    cut: gpu.Pointer,  # int64 [words, planes, padded]
    counts: gpu.Pointer,  # int64 [members, members], zeros; its upper triangle is added to
    members: gpu.Integer,
    words: gpu.Integer,
    padded: gpu.Integer,  # members, rounded up to a multiple of COLUMNS
    planes: gpu.Integer,
    ROWS: tl.constexpr,  # of a tile of `counts`
    COLUMNS: tl.constexpr,
    STEPS: tl.constexpr,  # words that one program takes
) -> None:
    """counts[i, j] += samples of STEPS words on which any plane differs, for i <= j.

    A program is one warp, whose threads hold 16 rows and 2 columns each: for 18 words that a thread loads, it computes
    `differs | (a ^ b)` 32 times, 64 instructions. The loop over planes stays a loop: with the loads of all planes at
    its beginning there were too few registers.

    Grid: tiles of rows × tiles of columns × parts of the words.
    """
    i, j, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    if i * ROWS >= (j + 1) * COLUMNS:
        return
    rows, columns = i * ROWS + tl.arange(0, ROWS), j * COLUMNS + tl.arange(0, COLUMNS)
    count = tl.zeros((ROWS, COLUMNS), tl.int32)
    base = cut + split.to(tl.int64) * STEPS * planes * padded
    for _ in range(min(STEPS, words - split * STEPS)):
        differs = tl.zeros((ROWS, COLUMNS), tl.int64)
        for _plane in tl.range(planes, num_stages=1):
            differs |= tl.load(base + rows)[:, None] ^ tl.load(base + columns)[None, :]
            base += padded
        count += count_ones_triton(differs).to(tl.int32)
    inside = (rows < members)[:, None] & (columns < members)[None, :]
    tl.atomic_add(counts + rows[:, None] * members + columns[None, :], count.to(tl.int64), inside)


# ------------------------------------------------------------------------------------------------ plain numpy and torch


def _count_numpy(predictions: torch.Tensor, planes: int) -> torch.Tensor:
    """The same idea without numba, for work that is too small to load it; `differs` has one plane of all members."""
    ids = predictions.numpy().astype(np.uint16)
    flags = (torch.from_numpy((ids >> plane & 1).astype(np.bool_)) for plane in range(planes))
    cut = np.stack([pack_bits(plane).numpy().view(np.uint64) for plane in flags])
    counts = torch.zeros(len(predictions), len(predictions), dtype=torch.int64)
    for member, row in enumerate(counts.numpy()):
        differs = np.zeros_like(cut[0, member:])
        for plane in cut:
            differs |= plane[member:] ^ plane[member]
        row[member:] = np.bitwise_count(differs).sum(1, dtype=np.int64)
    return mirrored(counts)


def _count_torch(predictions: torch.Tensor) -> torch.Tensor:
    """One comparison per pair and sample, for devices that have no implementation of their own."""
    return torch.stack([(predictions != own).sum(1) for own in predictions])
