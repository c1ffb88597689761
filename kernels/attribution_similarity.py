"""Similarity of where every pair of members looks."""

from typing import Literal, get_args

import torch

from kernels import checks
from kernels.checks import Reduction

Measure = Literal["cosine", "pearson", "spearman", "topk_iou"]


def attribution_similarity(
    attributions: torch.Tensor,
    measure: Measure = "cosine",
    reduction: Reduction = "mean",
    top_share: float = 0.1,
) -> torch.Tensor:
    """Mean (or sum) over samples of the similarity of two members' attribution maps.

    attributions: float [M, N, P], one flattened map a member and sample. Returns float64 [M, M]. A zero map (a constant
    one for "pearson" and "spearman") has similarity 0 with all others and 1 with itself. "spearman" gives ties their
    average rank; "topk_iou" is the intersection over union of the max(1, round(top_share * P)) largest pixels, of which
    equal ones are taken in order of their position.
    """
    checks.require_tensor("attributions", attributions, "members, samples, pixels")
    checks.require_float("attributions", attributions)
    checks.require_choice("measure", measure, get_args(Measure))
    checks.require_reduction(reduction)
    if not 0 < top_share <= 1:
        raise ValueError(f"top_share: expected a number in (0, 1], got {top_share}")
    checks.require_finite("attributions", attributions)
    members, samples, pixels = attributions.shape
    total = attributions.new_zeros(members, members, dtype=torch.float64)
    for sample in range(samples):
        maps = attributions[:, sample].double()
        if measure == "topk_iou":
            total += _topk_iou(maps, max(1, round(top_share * pixels)))
        else:
            total += _cosine(_centred(maps, measure))
    return total / samples if reduction == "mean" else total


def _centred(maps: torch.Tensor, measure: Measure) -> torch.Tensor:
    if measure == "cosine":
        return maps
    if measure == "spearman":
        maps = _average_ranks(maps)
    shifted = maps - maps[:, :1]  # a constant map becomes exactly zero, whatever the rounding of its mean
    return shifted - shifted.mean(1, keepdim=True)


def _average_ranks(maps: torch.Tensor) -> torch.Tensor:
    """Twice the average rank of each pixel, up to a constant: smaller pixels minus larger ones."""
    ordered = maps.sort(dim=1).values
    below = torch.searchsorted(ordered, maps.contiguous(), right=False)
    not_above = torch.searchsorted(ordered, maps.contiguous(), right=True)
    return (below + not_above).double()


def _cosine(maps: torch.Tensor) -> torch.Tensor:
    norms = torch.linalg.vector_norm(maps, dim=1, keepdim=True)
    unit = maps / torch.where(norms > 0, norms, 1)
    return (unit @ unit.T).clamp(-1, 1).fill_diagonal_(1)


def _topk_iou(maps: torch.Tensor, count: int) -> torch.Tensor:
    order = maps.argsort(dim=1, descending=True, stable=True)[:, :count]
    chosen = torch.zeros_like(maps).scatter_(1, order, 1)
    chosen[(maps == 0).all(1)] = 0
    shared = chosen @ chosen.T
    return (shared / (2 * count - shared)).fill_diagonal_(1)
