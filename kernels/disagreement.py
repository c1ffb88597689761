"""Label disagreement of every pair of members.

The idea. Class ids are cut into bit planes, 64 samples a word: plane p of a member holds bit p of its predictions. Two
members differ on the samples where any plane differs, `(a0 ^ b0) | (a1 ^ b1) | ...`, and a popcount adds them up: a
pair costs about (planes + 1) / 64 word operations a sample instead of one comparison, and ids of 1000 classes take 10
bits instead of 64.
"""

from typing import Any

import numpy as np
import torch

from kernels import checks, native
from kernels.bits import count_ones, words_of
from kernels.checks import Reduction
from kernels.native import compiled

MAX_CLASSES = 1 << 16
TILE_WORDS = 128  # the planes of two members, 20 KiB at 1000 classes, fit the first-level cache
BLOCK_MEMBERS = 64  # and those of a block of members, 640 KiB, the second


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
def _differences(a: Any, b: Any, differs: Any) -> Any:
    """Samples on which any plane differs, of uint64 [planes, words] each; `differs` is scratch of as many words."""
    for i in range(len(differs)):
        differs[i] = a[0, i] ^ b[0, i]
    plane = 1
    while plane + 3 <= len(a):  # three planes a pass: a third of the loads and stores of `differs`
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


@compiled
def _count_pairs(planes: Any, first: int, step: int, block: int, counts: Any) -> None:
    """Rows first, first + step, ... of the upper triangle of counts."""
    members = planes.shape[1]
    differs = np.empty(planes.shape[3], np.uint64)
    for tile in range(len(planes)):
        for start in range(0, members, block):
            stop = min(members, start + block)
            for a in range(first, stop, step):
                for b in range(max(a + 1, start), stop):
                    counts[a, b] += _differences(planes[tile, a], planes[tile, b], differs)


def _count_native(predictions: torch.Tensor, planes: int) -> torch.Tensor:
    members, samples = predictions.shape
    ids = predictions.contiguous().numpy()
    width = min(TILE_WORDS, words_of(samples))
    cut = np.empty((-(-words_of(samples) // width), members, planes, width), np.uint64)
    counts = torch.zeros(members, members, dtype=torch.int64)
    pieces = native.interleaved(members)
    native.parallel(lambda first, step: _cut_into_planes(ids, first, step, cut), pieces)
    native.parallel(lambda first, step: _count_pairs(cut, first, step, BLOCK_MEMBERS, counts.numpy()), pieces)
    return counts + counts.T


def _count_torch(predictions: torch.Tensor) -> torch.Tensor:
    return torch.stack([(predictions != own).sum(1) for own in predictions])


def disagreement(predictions: torch.Tensor, reduction: Reduction = "mean") -> torch.Tensor:
    """Share (or, with "sum", number) of samples that two members put into different classes.

    Args:
        predictions: integer [M, N], class ids from 0 to 65 535.
        reduction: "mean", or "sum" for numbers that add up over shards of samples.

    Returns:
        float64 [M, M], symmetric, with a zero diagonal.

    Raises:
        ValueError: names the argument and the first offending index.

    Source: `disagreement` of MEASURES.md; Kuncheva & Whitaker 2003 on labels instead of correctness.

    Cost: M N planes bit operations to cut, M² N (planes + 1) / 128 to count, planes = bits of the largest class id;
    memory M N planes / 8 bytes.
    """
    checks.require_tensor("predictions", predictions, "members, samples")
    checks.require_integer("predictions", predictions)
    largest = checks.require_range("predictions", predictions, 0, MAX_CLASSES)
    checks.require_reduction(reduction)
    if predictions.device.type == "cpu" and native.AVAILABLE:
        counts = _count_native(predictions, max(1, largest.bit_length()))
    else:
        counts = _count_torch(predictions)
    return counts.double() / predictions.shape[1] if reduction == "mean" else counts.double()
