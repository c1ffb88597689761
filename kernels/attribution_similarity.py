"""Similarity of where every pair of members looks.

The idea. The cosines of all pairs of a sample need only the Gram matrix of its M maps and its diagonal: the maps are
read once, in the precision in which they lie in memory, and nothing normalised is ever written. By symmetry half of
the tiles suffice. Pearson is the cosine of centred maps, Spearman that of centred ranks, and the intersection of two
top-k sets is the inner product of their indicators, so one Gram kernel serves all four.
"""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

from typing import Any, Literal, get_args

import numpy as np
import torch

from kernels import checks, gpu, native
from kernels.checks import Reduction
from kernels.gpu import tl, triton
from kernels.native import compiled, compiled_reassociating
from kernels.pairs import mirrored

Measure = Literal["cosine", "pearson", "spearman", "topk_iou"]

GPU_TILE, GPU_PIXELS = 128, 64  # up to 128 members are one tile: their maps are read once
GPU_GRAM_ELEMENTS = 1 << 24
BLOCK_ELEMENTS = 1 << 20  # of maps in float64, or to be sorted, at a time
STRIP_BYTES = 1 << 18  # strips of all members' maps fit the second-level cache


# ------------------------------------------------------------------------------------- Gram matrices of maps on the CPU


@compiled
def _widen(source: Any, target: Any) -> None:
    """float16, given as uint16, to float32: exact, subnormal numbers included. Integer arithmetic, for vector units."""
    for i in range(len(source)):
        half = np.uint32(source[i])
        magnitude = np.uint32((half & np.uint32(0x7FFF)) << np.uint32(13)).view(np.float32) * np.float32(2.0**112)
        sign = np.uint32((half & np.uint32(0x8000)) << np.uint32(16))
        target[i] = np.uint32(np.float32(magnitude).view(np.uint32) | sign).view(np.float32)


@compiled
def _copy(source: Any, target: Any) -> None:
    for i in range(len(source)):
        target[i] = source[i]


@compiled_reassociating
def _shift_and_scale(maps: Any, sample: int, halves: bool, centred: bool, strip: Any, shift: Any, scale: Any) -> None:
    """What to subtract from each map to centre it, and a power of two that keeps squares of float32 within range.

    A first value is taken from all others before their mean is: a constant map becomes exactly zero.
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
        scale[member] = np.float32(2.0) ** -np.floor(np.log2(largest)) if largest > 0 else np.float32(1)


@compiled_reassociating
def _add_tile(maps: Any, i: int, j: int, width: int, gram: Any) -> None:
    """gram[i:i+4, j:j+4] += maps[i:i+4] @ maps[j:j+4].T"""
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
def _add_similarities(maps: Any, first: int, last: int, halves: bool, centred: bool, width: int, total: Any) -> None:
    """Add the cosines of samples [first, last) of [M, N, P] to the upper triangle of total."""
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


def _cosines_native(attributions: torch.Tensor, centred: bool) -> torch.Tensor:
    members, samples, pixels = attributions.shape
    halves = attributions.dtype is torch.float16
    width = min(pixels, max(64, STRIP_BYTES // (4 * members)))

    def work(start: int, stop: int) -> torch.Tensor:
        total = torch.zeros(members, members, dtype=torch.float64)
        if halves and attributions.is_contiguous():
            words = attributions.view(torch.int16).numpy().view(np.uint16)
            _add_similarities(words, start, stop, True, centred, width, total.numpy())
        else:
            for values, first, last, _ in native.readable(attributions, start, stop, 1):
                _add_similarities(values, first, last, False, centred, width, total.numpy())
        return total

    return torch.stack(native.parallel(work, native.ranges(samples))).sum(0)


# ------------------------------------------------------------------------------------- Gram matrices of maps on the GPU


@triton.jit
def _gram_kernel(
    maps: tl.tensor,
    shift: tl.tensor,
    scale: tl.tensor,
    gram: tl.tensor,
    members: tl.tensor,
    samples: tl.tensor,
    pixels: tl.tensor,
    first: tl.tensor,
    TRANSFORMED: tl.constexpr,
    ONE_TILE: tl.constexpr,
    TILE: tl.constexpr,
    PIXELS: tl.constexpr,
) -> None:
    """gram[sample] = maps @ maps.T of sample `first` + program; float16 in, float32 sums, on tensor cores; i <= j."""
    sample, i, j = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    if i > j:
        return
    rows, columns = i * TILE + tl.arange(0, TILE), j * TILE + tl.arange(0, TILE)
    row_base = (rows.to(tl.int64) * samples + first + sample) * pixels
    column_base = (columns.to(tl.int64) * samples + first + sample) * pixels
    sums = tl.zeros((TILE, TILE), tl.float32)
    for start in range(0, pixels, PIXELS):
        p = start + tl.arange(0, PIXELS)
        a_inside = (rows < members)[:, None] & (p < pixels)[None, :]
        a = tl.load(maps + row_base[:, None] + p[None, :], a_inside, other=0)
        if TRANSFORMED:
            at = sample * members + rows
            a_shift, a_scale = (
                tl.load(shift + at, rows < members, other=0),
                tl.load(scale + at, rows < members, other=0),
            )
            a = tl.where(a_inside, (a.to(tl.float32) - a_shift[:, None]) * a_scale[:, None], 0.0)
        if ONE_TILE:  # the maps are read once, not once as rows and once as columns
            b = a
        else:
            b_inside = (columns < members)[:, None] & (p < pixels)[None, :]
            b = tl.load(maps + column_base[:, None] + p[None, :], b_inside, other=0)
            if TRANSFORMED:
                at = sample * members + columns
                b_shift = tl.load(shift + at, columns < members, other=0)
                b_scale = tl.load(scale + at, columns < members, other=0)
                b = tl.where(b_inside, (b.to(tl.float32) - b_shift[:, None]) * b_scale[:, None], 0.0)
        sums = tl.dot(a, tl.trans(b), acc=sums, input_precision="ieee")
    inside = (rows < members)[:, None] & (columns < members)[None, :]
    tl.store(gram + (sample * members + rows[:, None]) * members + columns[None, :], sums, inside)


def _cosines_triton(attributions: torch.Tensor, centred: bool) -> torch.Tensor:
    members, samples, pixels = attributions.shape
    maps = attributions.contiguous()
    transformed = centred or maps.dtype is not torch.float16
    total = torch.zeros(members, members, dtype=torch.float64, device=maps.device)
    tile = max(16, min(GPU_TILE if not transformed else GPU_TILE // 2, gpu.power_of_2(members)))
    tiles, step = gpu.cdiv(members, tile), max(1, GPU_GRAM_ELEMENTS // members**2)
    for first in range(0, samples, step):
        count = min(step, samples - first)
        shift, scale = _shift_and_scale_torch(maps[:, first : first + count], centred) if transformed else (maps, maps)
        gram = torch.empty(count, members, members, device=maps.device)
        with gpu.on(maps):
            _gram_kernel[(count, tiles, tiles)](
                maps,
                shift,
                scale,
                gram,
                members,
                samples,
                pixels,
                first,
                TRANSFORMED=transformed,
                ONE_TILE=tiles == 1,
                TILE=tile,
                PIXELS=GPU_PIXELS if not transformed else GPU_PIXELS // 2,
                num_warps=8 if tile > 64 else 4,
                num_stages=3,
            )
        total += _cosines_of_grams(gram).sum(0)
    return total


def _shift_and_scale_torch(maps: torch.Tensor, centred: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """float32 [samples, members] each: the mean, exact for constant maps, and a power of two near the largest value."""
    shift = torch.zeros(maps.shape[:2], device=maps.device)
    if centred:
        low, high = maps.amin(2).float(), maps.amax(2).float()
        shift = torch.where(low == high, low, maps.mean(2, dtype=torch.float32))
    largest = (maps.amax(2).float() - shift).maximum(shift - maps.amin(2).float())
    scale = torch.where(largest > 0, torch.exp2(-torch.floor(torch.log2(largest))), 1)
    return shift.T.contiguous(), scale.T.contiguous()


def _cosines_of_grams(gram: torch.Tensor) -> torch.Tensor:
    squares = gram.diagonal(dim1=1, dim2=2).double()
    norms = (squares[:, :, None] * squares[:, None, :]).sqrt()
    cosines = torch.where(norms > 0, gram.double() / norms, 0).clamp(-1, 1)
    return _with_ones(cosines)


# ---------------------------------------------------------------------------------------- blocks of samples, in float64


def _similarities_torch(attributions: torch.Tensor, measure: Measure, top: int) -> torch.Tensor:
    members, _, pixels = attributions.shape
    total = attributions.new_zeros(members, members, dtype=torch.float64)
    for block in attributions.split(max(1, BLOCK_ELEMENTS // (members * pixels)), dim=1):
        maps = block.transpose(0, 1)
        if measure == "topk_iou":
            total += _topk_iou(maps, top).sum(0)
        elif measure == "cosine":
            total += _cosine(maps.double()).sum(0)
        else:
            total += _cosine(_centre(_average_ranks(maps) if measure == "spearman" else maps.double())).sum(0)
    return total


def _centre(maps: torch.Tensor) -> torch.Tensor:
    shifted = maps - maps[..., :1]  # a constant map becomes exactly zero, whatever the rounding of its mean
    return shifted - shifted.mean(-1, keepdim=True)


def _average_ranks(maps: torch.Tensor) -> torch.Tensor:
    """Pixels below plus pixels not above: twice the average rank, up to a constant."""
    maps = maps.contiguous()
    ordered = maps.sort(dim=-1).values
    return (torch.searchsorted(ordered, maps) + torch.searchsorted(ordered, maps, right=True)).double()


def _cosine(maps: torch.Tensor) -> torch.Tensor:
    """[n, M, P] → [n, M, M]"""
    maps = maps / maps.abs().amax(-1, keepdim=True).clamp_min(torch.finfo(maps.dtype).tiny)
    norms = torch.linalg.vector_norm(maps, dim=-1, keepdim=True)
    unit = maps / torch.where(norms > 0, norms, 1)
    return _with_ones(torch.bmm(unit, unit.transpose(1, 2)).clamp(-1, 1))


def _topk_iou(maps: torch.Tensor, count: int) -> torch.Tensor:
    """[n, M, P] → [n, M, M]; counts of at most 2^24 pixels are exact in float32."""
    order = maps.argsort(dim=-1, descending=True, stable=True)[..., :count]
    chosen = torch.zeros(maps.shape, device=maps.device).scatter_(-1, order, 1)
    chosen[(maps == 0).all(-1)] = 0
    shared = torch.bmm(chosen, chosen.transpose(1, 2)).double()
    return _with_ones(shared / (2 * count - shared))


def _with_ones(matrices: torch.Tensor) -> torch.Tensor:
    matrices.diagonal(dim1=1, dim2=2).fill_(1)
    return matrices


# ------------------------------------------------------------------------------------------------------ public function


def attribution_similarity(
    attributions: torch.Tensor,
    measure: Measure = "cosine",
    reduction: Reduction = "mean",
    top_share: float = 0.1,
) -> torch.Tensor:
    """Mean (or sum) over samples of the similarity of two members' attribution maps.

    Args:
        attributions: float [M, N, P], finite, one flattened map a member and sample; float16 is read as it is.
        measure: "cosine"; "pearson"; "spearman", where ties have their average rank; or "topk_iou", the intersection
            over union of the max(1, round(top_share * P)) largest pixels, of which equal ones are taken by position.
        reduction: "mean", or "sum" for sums that add up over shards of samples.
        top_share: share of the pixels that "topk_iou" compares, in (0, 1].

    Returns:
        float64 [M, M], symmetric, ones on the diagonal. A zero map (a constant one for "pearson" and "spearman") has
        similarity 0 with all others and 1 with itself.

    Raises:
        ValueError: names the argument and the first offending index.

    Cost: "cosine" M² P multiply-adds a sample, the input read once; "pearson", and "cosine" of other dtypes than
    float16, read it twice, the second time from cache; "spearman" and "topk_iou" sort. Memory 256 KiB a thread, or
    some copies of 8 MB in float64 (at least of one sample's maps) where the input is float64 or to be sorted; never
    M × M × N. Measured on two CPU cores: 1.5 times the rate of a float32 torch.bmm at M=32.
    """
    checks.require_tensor("attributions", attributions, "members, samples, pixels")
    checks.require_float("attributions", attributions)
    checks.require_choice("measure", measure, get_args(Measure))
    checks.require_reduction(reduction)
    if not 0 < top_share <= 1:
        raise ValueError(f"top_share: expected a number in (0, 1], got {top_share}")
    checks.require_finite("attributions", attributions)
    samples, pixels = attributions.shape[1:]
    gram_serves = measure in ("cosine", "pearson") and attributions.dtype is not torch.float64
    if gram_serves and gpu.usable(attributions):
        total = _cosines_triton(attributions, centred=measure == "pearson")
    elif gram_serves and native.worthwhile(attributions, len(attributions) * attributions.numel()):
        total = _cosines_native(attributions, centred=measure == "pearson")
    else:
        total = _similarities_torch(attributions, measure, max(1, round(top_share * pixels)))
    total = mirrored(total)
    return total / samples if reduction == "mean" else total
