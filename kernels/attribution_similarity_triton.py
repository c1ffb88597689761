"""Sums of cosines of attribution maps on the GPU, by Triton; `attribution_similarity` explains the idea."""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

import torch

from . import gpu
from .gpu import tl, triton
from .pairs import with_ones_on_diagonal

GPU_TILE, GPU_PIXELS = 128, 64  # members per tile, pixels per step; with one tile the maps are read once
GPU_TILE_OF_PARTS, GPU_PIXELS_OF_PARTS = 64, 32  # the same, where maps are divided into two float16 parts
GPU_RUN = 2048  # pixels of one map that are looked at together
GPU_GRAM_ELEMENTS = 1 << 24  # of the Gram matrices that are held at a time


def cosines_triton(attributions: torch.Tensor, centred: bool) -> torch.Tensor:
    """Sums over samples of the cosines of all pairs, float64 [M, M], of which the upper triangle is valid.

    `attributions` are float16, bfloat16 or float32 [M, N, P] on the GPU; `centred` subtracts each map's mean first.
    """
    members, samples, _ = attributions.shape
    maps = attributions.contiguous()
    total = torch.zeros(members, members, dtype=torch.float64, device=maps.device)
    step = max(1, GPU_GRAM_ELEMENTS // members**2)
    for first in range(0, samples, step):
        with gpu.on(maps):
            gram = _gram(maps, first, min(step, samples - first), centred)
        total += _cosines_of_grams(gram).sum(0)
    return total


def _gram(maps: torch.Tensor, first: int, count: int, centred: bool) -> torch.Tensor:
    """Gram matrices of samples first : first + count, float32 [count, M, M], valid for i <= j."""
    members, samples, pixels = maps.shape
    in_parts = centred or maps.dtype is not torch.float16
    tile = max(16, min(GPU_TILE_OF_PARTS if in_parts else GPU_TILE, gpu.power_of_2(members)))
    tiles = gpu.cdiv(members, tile)
    gram = torch.empty(count, members, members, device=maps.device)
    shift, scale = _shift_and_scale(maps, first, count, centred) if in_parts else (gram, gram)
    _gram_kernel[(count, tiles, tiles)](
        maps=maps,
        shift=shift,
        scale=scale,
        gram=gram,
        members=members,
        samples=samples,
        pixels=pixels,
        first=first,
        IN_PARTS=in_parts,
        ONE_TILE=tiles == 1,
        TILE=tile,
        PIXELS=GPU_PIXELS_OF_PARTS if in_parts else GPU_PIXELS,
        num_warps=8 if tile > 64 else 4,
        num_stages=3,
    )
    return gram


def _shift_and_scale(maps: torch.Tensor, first: int, count: int, centred: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """What each map of samples first : first + count is shifted and scaled by, float32 [count, members] each."""
    members, samples, pixels = maps.shape
    shift = torch.empty(count, members, device=maps.device)
    scale = torch.empty_like(shift)
    _range_kernel[(count, members)](
        maps=maps,
        shift=shift,
        scale=scale,
        members=members,
        samples=samples,
        pixels=pixels,
        first=first,
        CENTRED=centred,
        RUN=min(GPU_RUN, gpu.power_of_2(pixels)),
        num_warps=4,
    )
    return shift, scale


@triton.jit
def _range_kernel(
    maps: gpu.Pointer,  # float16, bfloat16 or float32 [members, samples, pixels]
    shift: gpu.Pointer,  # float32 [count, members], written
    scale: gpu.Pointer,  # float32 [count, members], written
    members: gpu.Integer,
    samples: gpu.Integer,
    pixels: gpu.Integer,
    first: gpu.Integer,  # sample of the first of `count` rows
    CENTRED: tl.constexpr,
    RUN: tl.constexpr,  # pixels per step
) -> None:
    """The shift is the map's mean, exactly its value for a constant map, or 0 unless CENTRED.

    The scale is a power of two that brings the largest absolute value after the shift into [1, 2), or near it.

    Grid: rows of `shift` × members.
    """
    sample, member = tl.program_id(0).to(tl.int64), tl.program_id(1)
    row = maps + (member.to(tl.int64) * samples + first + sample) * pixels
    low, high = tl.full((RUN,), float("inf"), tl.float32), tl.full((RUN,), float("-inf"), tl.float32)
    sums = tl.zeros((RUN,), tl.float32)
    for start in range(0, pixels, RUN):
        p = start + tl.arange(0, RUN)
        values = tl.load(row + p, p < pixels, other=0).to(tl.float32)
        low = tl.minimum(low, tl.where(p < pixels, values, float("inf")))
        high = tl.maximum(high, tl.where(p < pixels, values, float("-inf")))
        sums += values
    smallest, largest, mean = tl.min(low, 0), tl.max(high, 0), 0.0
    if CENTRED:
        mean = tl.where(smallest == largest, smallest, tl.sum(sums, 0) / pixels)
    reach = tl.maximum(largest - mean, mean - smallest)
    exponent = tl.minimum(reach.to(tl.int32, bitcast=True) >> 23, 253)  # 1 / 2^127 would be subnormal
    tl.store(shift + sample * members + member, mean)
    tl.store(scale + sample * members + member, ((254 - exponent) << 23).to(tl.float32, bitcast=True))


@triton.jit
def _gram_kernel(
    maps: gpu.Pointer,  # float16, bfloat16 or float32 [members, samples, pixels]
    shift: gpu.Pointer,  # float32 [count, members], subtracted from each map; read only if IN_PARTS
    scale: gpu.Pointer,  # float32 [count, members], factor after that; read only if IN_PARTS
    gram: gpu.Pointer,  # float32 [count, members, members], written where i <= j
    members: gpu.Integer,
    samples: gpu.Integer,
    pixels: gpu.Integer,
    first: gpu.Integer,  # sample of the first of `count` Gram matrices
    IN_PARTS: tl.constexpr,  # whether maps are shifted, scaled and divided into two float16 parts
    ONE_TILE: tl.constexpr,  # whether TILE covers all members
    TILE: tl.constexpr,  # rows, and columns, of a tile of a Gram matrix
    PIXELS: tl.constexpr,  # per step
) -> None:
    """gram[n] = maps @ maps.T of sample first + n, float32 sums, for i <= j, on tensor cores.

    IN_PARTS: x = a + b / 2048 with float16 a and b, up to 2^-22 |x|; of a product of two such numbers the part b b is
    left out, which is at most 2^-22 of it.

    Grid: samples of `gram` × tiles of rows × tiles of columns.
    """
    sample, i, j = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    if i > j:
        return
    rows, columns = i * TILE + tl.arange(0, TILE), j * TILE + tl.arange(0, TILE)
    row_base = maps + ((rows.to(tl.int64) * samples + first + sample) * pixels)[:, None]
    column_base = maps + ((columns.to(tl.int64) * samples + first + sample) * pixels)[:, None]
    sums, small = tl.zeros((TILE, TILE), tl.float32), tl.zeros((TILE, TILE), tl.float32)
    if IN_PARTS:
        at = sample * members
        a_shift, a_scale = tl.load(shift + at + rows, rows < members), tl.load(scale + at + rows, rows < members)
        b_shift = tl.load(shift + at + columns, columns < members)
        b_scale = tl.load(scale + at + columns, columns < members)
    for start in range(0, pixels, PIXELS):
        p = (start + tl.arange(0, PIXELS))[None, :]
        a_inside, b_inside = (rows < members)[:, None] & (p < pixels), (columns < members)[:, None] & (p < pixels)
        a = tl.load(row_base + p, a_inside, other=0)
        if IN_PARTS:
            a, a_low = _parts(a, a_inside, a_shift, a_scale)
        if ONE_TILE:  # the maps are read once, instead of once as rows and once as columns
            sums = tl.dot(a, tl.trans(a), acc=sums)
            if IN_PARTS:
                small = tl.dot(a, tl.trans(a_low), acc=small)
        else:
            b = tl.load(column_base + p, b_inside, other=0)
            if IN_PARTS:
                b, b_low = _parts(b, b_inside, b_shift, b_scale)
                small = tl.dot(a, tl.trans(b_low), acc=small)
                small = tl.dot(a_low, tl.trans(b), acc=small)
            sums = tl.dot(a, tl.trans(b), acc=sums)
    if IN_PARTS:
        sums += (small + tl.trans(small) if ONE_TILE else small) / 2048
    inside = (rows < members)[:, None] & (columns < members)[None, :]
    tl.store(gram + (sample * members + rows[:, None]) * members + columns[None, :], sums, inside)


@triton.jit
def _parts(values: tl.tensor, inside: tl.tensor, shift: tl.tensor, scale: tl.tensor) -> tuple[tl.tensor, tl.tensor]:
    """(values - shift) * scale as a float16 and, times 2048, the float16 of what is missing; 0 where not `inside`."""
    exact = tl.where(inside, (values.to(tl.float32) - shift[:, None]) * scale[:, None], 0.0)
    high = exact.to(tl.float16)
    return high, ((exact - high.to(tl.float32)) * 2048).to(tl.float16)


def _cosines_of_grams(gram: torch.Tensor) -> torch.Tensor:
    """float32 [samples, M, M] to float64 cosines of the same shape."""
    squares = gram.diagonal(dim1=1, dim2=2).double()
    norms = (squares[:, :, None] * squares[:, None, :]).sqrt()
    cosines = torch.where(norms > 0, gram.double() / norms, 0).clamp(-1, 1)
    return with_ones_on_diagonal(cosines)
