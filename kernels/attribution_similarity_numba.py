"""Sums of cosines of attribution maps on the CPU, compiled by numba; `attribution_similarity` explains the idea."""

from typing import Any

import numpy as np
import torch

from . import cpu
from .cpu import compiled, compiled_reassociating

STRIP_BYTES = 1 << 18  # strips of all members' maps, which together fit the second-level cache


def cosines_numba(attributions: torch.Tensor, centred: bool) -> torch.Tensor:
    """Sums over samples of the cosines of all pairs, in the upper triangle of float64 [M, M].

    `attributions` are float16, bfloat16 or float32 [M, N, P] on the CPU; `centred` subtracts each map's mean first.
    """
    members, samples, pixels = attributions.shape
    halves = attributions.dtype is torch.float16
    width = min(pixels, max(64, STRIP_BYTES // (4 * members)))

    def work(start: int, stop: int) -> torch.Tensor:
        total = torch.zeros(members, members, dtype=torch.float64)
        if halves and attributions.is_contiguous():
            words = attributions.view(torch.int16).numpy().view(np.uint16)
            _add_similarities(words, start, stop, True, centred, width, total.numpy())
        else:
            for values, first, last, _ in cpu.readable(attributions, start, stop, 1):
                _add_similarities(values, first, last, False, centred, width, total.numpy())
        return total

    return torch.stack(cpu.parallel(work, cpu.ranges(samples))).sum(0)


@compiled
def _add_similarities(maps: Any, first: int, last: int, halves: bool, centred: bool, width: int, total: Any) -> None:
    """Add the cosines of samples [first, last) of `maps` [M, N, P] to the upper triangle of `total`, float64 [M, M].

    `maps` are float32, or float16 given as uint16 (`halves`). They are read in strips of `width` pixels.
    """
    members, _, pixels = maps.shape
    rows = (members + 3) // 4 * 4
    strips, gram = np.zeros((rows, width), np.float32), np.empty((rows, rows))
    shift, scale = np.zeros((members, 2), np.float32), np.ones(members, np.float32)
    for sample in range(first, last):
        if centred or not halves:  # float16 squares fit float32 as they are
            _shift_and_scale(maps, sample, halves, centred, strips[0], shift, scale)
        gram[:] = 0
        for start in range(0, pixels, width):
            stop = min(pixels, start + width)
            for member in range(members):
                strip = strips[member]
                if halves:
                    _widen(maps[member, sample, start:stop], strip)
                else:
                    _copy(maps[member, sample, start:stop], strip)
                if centred or not halves:
                    for i in range(stop - start):
                        strip[i] = ((strip[i] - shift[member, 0]) - shift[member, 1]) * scale[member]
            for i in range(0, rows, 4):
                for j in range(i, rows, 4):
                    _add_tile(strips, i, j, stop - start, gram)
        for a in range(members):
            total[a, a] += 1
            for b in range(a + 1, members):
                if gram[a, a] > 0 and gram[b, b] > 0:
                    total[a, b] += min(1.0, max(-1.0, gram[a, b] / np.sqrt(gram[a, a] * gram[b, b])))


@compiled_reassociating
def _shift_and_scale(maps: Any, sample: int, halves: bool, centred: bool, strip: Any, shift: Any, scale: Any) -> None:
    """What to subtract from each map of a sample to centre it, and a factor that keeps squares of float32 in range.

    Written are `shift` float32 [M, 2] (a map's first value, then the mean of what is left, so that a constant map
    becomes exactly zero) and `scale` float32 [M], powers of two. `strip` float32 [width] is scratch space.
    """
    pixels = maps.shape[2]
    for member in range(len(maps)):
        if halves:
            _widen(maps[member, sample, :1], strip[:1])
        else:
            _copy(maps[member, sample, :1], strip[:1])
        first = strip[0] if centred else np.float32(0)
        total, largest = np.float64(0), np.float32(0)
        for start in range(0, pixels, len(strip)):
            source = maps[member, sample, start : min(pixels, start + len(strip))]
            if halves:
                _widen(source, strip)
            else:
                _copy(source, strip)
            part = np.float32(0)
            for i in range(len(source)):
                part += strip[i] - first
                largest = max(largest, abs(strip[i] - first))
            total += part
        shift[member, 0] = first
        shift[member, 1] = np.float32(total / pixels) if centred else np.float32(0)
        # 2^128 would be infinite.
        power = min(-np.floor(np.log2(largest)), np.float32(126)) if largest > 0 else np.float32(0)
        scale[member] = np.float32(2.0) ** power


@compiled_reassociating
def _add_tile(maps: Any, i: int, j: int, width: int, gram: Any) -> None:
    """gram[i:i+4, j:j+4] += maps[i:i+4] @ maps[j:j+4].T, over the first `width` columns of float32 `maps`."""
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = np.float32(0)
    s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = np.float32(0)
    for p in range(width):
        a0, a1, a2, a3 = maps[i, p], maps[i + 1, p], maps[i + 2, p], maps[i + 3, p]
        b0, b1, b2, b3 = maps[j, p], maps[j + 1, p], maps[j + 2, p], maps[j + 3, p]
        s00, s01, s02, s03 = s00 + a0 * b0, s01 + a0 * b1, s02 + a0 * b2, s03 + a0 * b3
        s10, s11, s12, s13 = s10 + a1 * b0, s11 + a1 * b1, s12 + a1 * b2, s13 + a1 * b3
        s20, s21, s22, s23 = s20 + a2 * b0, s21 + a2 * b1, s22 + a2 * b2, s23 + a2 * b3
        s30, s31, s32, s33 = s30 + a3 * b0, s31 + a3 * b1, s32 + a3 * b2, s33 + a3 * b3
    sums = ((s00, s01, s02, s03), (s10, s11, s12, s13), (s20, s21, s22, s23), (s30, s31, s32, s33))
    for row in range(4):
        for column in range(4):
            gram[i + row, j + column] += sums[row][column]


@compiled
def _widen(source: Any, target: Any) -> None:
    """float16, given as uint16, to float32, exactly, subnormal numbers too; integer arithmetic suits vector units."""
    for i in range(len(source)):
        half = np.uint32(source[i])
        magnitude = np.uint32((half & np.uint32(0x7FFF)) << np.uint32(13)).view(np.float32) * np.float32(2.0**112)
        sign = np.uint32((half & np.uint32(0x8000)) << np.uint32(16))
        target[i] = np.uint32(np.float32(magnitude).view(np.uint32) | sign).view(np.float32)


@compiled
def _copy(source: Any, target: Any) -> None:
    for i in range(len(source)):
        target[i] = source[i]
