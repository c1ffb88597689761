"""Similarity of the attribution maps of every pair of members: whether they look at the same pixels.

The idea. The cosines of all pairs on a sample need only the Gram matrix of its M maps and that matrix's diagonal: the
maps are read once, in the precision in which they lie in memory, and no normalised map is ever written. By symmetry
half of the tiles suffice. Pearson's correlation is the cosine of centred maps, Spearman's that of centred ranks, and
the intersection of two top-k sets is the inner product of their indicators, so all four are made of Gram matrices.

The implementation for the CPU is in `attribution_similarity_numba`, the one for the GPU in
`attribution_similarity_triton`; both serve cosine and Pearson. Everything else is plain torch, below.
"""

from typing import Literal, get_args

import torch

from . import checks, cpu, gpu
from .attribution_similarity_numba import cosines_numba
from .attribution_similarity_triton import cosines_triton
from .checks import Reduction
from .pairs import mirrored, with_ones_on_diagonal

Measure = Literal["cosine", "pearson", "spearman", "topk_iou"]

BLOCK_ELEMENTS = 1 << 20  # of the maps that are held in float64, or sorted, at a time


def attribution_similarity(
    attributions: torch.Tensor,
    measure: Measure = "cosine",
    reduction: Reduction = "mean",
    top_share: float = 0.1,
) -> torch.Tensor:
    """Mean (or sum) over samples of the similarity of two members' attribution maps.

    Args:
        attributions: float [M, N, P], finite, one flattened map per member and sample; float16 is read as it is.
        measure: "cosine"; "pearson"; "spearman", where ties have their average rank; or "topk_iou", the intersection
            over union of the max(1, round(top_share * P)) largest pixels, equal ones in order of position.
        reduction: "mean", or "sum" for sums that add up over shards of samples.
        top_share: share of the pixels that "topk_iou" compares, in (0, 1].

    Returns:
        float64 [M, M], symmetric, ones on the diagonal. A zero map (a constant one for "pearson" and "spearman") has
        similarity 0 with all others and 1 with its own member. On a GPU, "cosine" and "pearson" of other dtypes than
        float64 are within 1.5e-6 of the definition, beside the rounding of sums in float32 (docs/kernels.md).

    Raises:
        ValueError: names the argument and the first offending index.

    Definition: `attribution_similarity` in docs/measures.md, and the sections after it.

    Cost: "cosine" M² P multiply-adds per sample, the input read once; "pearson", and "cosine" of other dtypes than
    float16, read it twice, the second time from cache; "spearman" and "topk_iou" sort. Memory 256 KiB per thread, or
    a few copies of 8 MB in float64 (at least of one sample's maps) where the input is float64 or must be sorted; never
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
    by_gram = measure in ("cosine", "pearson") and attributions.dtype is not torch.float64
    if by_gram and gpu.usable(attributions):
        total = cosines_triton(attributions, centred=measure == "pearson")
    elif by_gram and cpu.worthwhile(attributions, len(attributions) * attributions.numel()):
        total = cosines_numba(attributions, centred=measure == "pearson")
    else:
        total = _similarities_torch(attributions, measure, max(1, round(top_share * pixels)))
    total = mirrored(total)
    return total / samples if reduction == "mean" else total


# ---------------------------------------------------------------------------------------------------------- plain torch


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


def _cosine(maps: torch.Tensor) -> torch.Tensor:
    """[n, M, P] → [n, M, M]"""
    maps = maps / maps.abs().amax(-1, keepdim=True).clamp_min(torch.finfo(maps.dtype).tiny)
    norms = torch.linalg.vector_norm(maps, dim=-1, keepdim=True)
    unit = maps / torch.where(norms > 0, norms, 1)
    return with_ones_on_diagonal(torch.bmm(unit, unit.transpose(1, 2)).clamp(-1, 1))


def _centre(maps: torch.Tensor) -> torch.Tensor:
    shifted = maps - maps[..., :1]  # a constant map becomes exactly zero, whatever the rounding of its mean
    return shifted - shifted.mean(-1, keepdim=True)


def _average_ranks(maps: torch.Tensor) -> torch.Tensor:
    """The number of pixels below plus the number not above: twice the average rank, up to a constant."""
    maps = maps.contiguous()
    ordered = maps.sort(dim=-1).values
    return (torch.searchsorted(ordered, maps) + torch.searchsorted(ordered, maps, right=True)).double()


def _topk_iou(maps: torch.Tensor, count: int) -> torch.Tensor:
    """[n, M, P] → [n, M, M]; counts of at most 2^24 pixels are exact in float32."""
    order = maps.argsort(dim=-1, descending=True, stable=True)[..., :count]
    chosen = torch.zeros(maps.shape, device=maps.device).scatter_(-1, order, 1)
    chosen[(maps == 0).all(-1)] = 0
    shared = torch.bmm(chosen, chosen.transpose(1, 2)).double()
    return with_ones_on_diagonal(shared / (2 * count - shared))
