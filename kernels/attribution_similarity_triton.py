"""Sums of cosines of attribution maps on the GPU, by Triton; `attribution_similarity` explains the idea."""

# ruff: noqa: N803 (constants of a Triton kernel are written in capitals)

import torch

from . import gpu
from .gpu import tl, triton
from .pairs import with_ones_on_diagonal

GPU_TILE, GPU_PIXELS = 128, 64  # members per tile, pixels per step; with one tile the maps are read once
GPU_GRAM_ELEMENTS = 1 << 24  # of the Gram matrices that are held at a time


def cosines_triton(attributions: torch.Tensor, centred: bool) -> torch.Tensor:
    """Sums over samples of the cosines of all pairs, float64 [M, M], of which the upper triangle is valid.

    `attributions` are float16, bfloat16 or float32 [M, N, P] on the GPU; `centred` subtracts each map's mean first.
    """
    members, samples, pixels = attributions.shape
    maps = attributions.contiguous()
    transformed = centred or maps.dtype is not torch.float16
    total = torch.zeros(members, members, dtype=torch.float64, device=maps.device)
    tile = max(16, min(GPU_TILE if not transformed else GPU_TILE // 2, gpu.power_of_2(members)))
    tiles, step = gpu.cdiv(members, tile), max(1, GPU_GRAM_ELEMENTS // members**2)
    for first in range(0, samples, step):
        count = min(step, samples - first)
        shift, scale = _shift_and_scale(maps[:, first : first + count], centred) if transformed else (maps, maps)
        gram = torch.empty(count, members, members, device=maps.device)
        with gpu.on(maps):
            _gram_kernel[(count, tiles, tiles)](
                maps=maps,
                shift=shift,
                scale=scale,
                gram=gram,
                members=members,
                samples=samples,
                pixels=pixels,
                first=first,
                TRANSFORMED=transformed,
                ONE_TILE=tiles == 1,
                TILE=tile,
                PIXELS=GPU_PIXELS if not transformed else GPU_PIXELS // 2,
                num_warps=8 if tile > 64 else 4,
                num_stages=3,
            )
        total += _cosines_of_grams(gram).sum(0)
    return total


def _shift_and_scale(maps: torch.Tensor, centred: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """What each map is shifted and scaled by, float32 [samples, members] each.

    The shift is the map's mean, exactly its value for a constant map; the scale is a power of two that brings the
    largest value near 1.
    """
    shift = torch.zeros(maps.shape[:2], device=maps.device)
    if centred:
        low, high = maps.amin(2).float(), maps.amax(2).float()
        shift = torch.where(low == high, low, maps.mean(2, dtype=torch.float32))
    largest = (maps.amax(2).float() - shift).maximum(shift - maps.amin(2).float())
    scale = torch.where(largest > 0, torch.exp2(-torch.floor(torch.log2(largest))), 1)
    return shift.T.contiguous(), scale.T.contiguous()


@triton.jit
def _gram_kernel(
    maps: gpu.Pointer,  # float16, bfloat16 or float32 [members, samples, pixels]
    shift: gpu.Pointer,  # float32 [count, members], subtracted from each map; read only if TRANSFORMED
    scale: gpu.Pointer,  # float32 [count, members], factor after that; read only if TRANSFORMED
    gram: gpu.Pointer,  # float32 [count, members, members], written where i <= j
    members: gpu.Integer,
    samples: gpu.Integer,
    pixels: gpu.Integer,
    first: gpu.Integer,  # sample of the first of `count` Gram matrices
    TRANSFORMED: tl.constexpr,  # whether maps are shifted and scaled
    ONE_TILE: tl.constexpr,  # whether TILE covers all members
    TILE: tl.constexpr,  # rows, and columns, of a tile of a Gram matrix
    PIXELS: tl.constexpr,  # per step
) -> None:
    """gram[n] = maps @ maps.T of sample first + n, float32 sums, for i <= j; float16 input runs on tensor cores.

    Grid: samples of `gram` × tiles of rows × tiles of columns.
    """
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
        if ONE_TILE:  # the maps are read once, instead of once as rows and once as columns
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


def _cosines_of_grams(gram: torch.Tensor) -> torch.Tensor:
    """float32 [samples, M, M] to float64 cosines of the same shape."""
    squares = gram.diagonal(dim1=1, dim2=2).double()
    norms = (squares[:, :, None] * squares[:, None, :]).sqrt()
    cosines = torch.where(norms > 0, gram.double() / norms, 0).clamp(-1, 1)
    return with_ones_on_diagonal(cosines)
