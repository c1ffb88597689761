"""Members are penalised for similar activations."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from scripts.lib.training.losses.spec import LossTerm, Outputs

if TYPE_CHECKING:
    import torch


def _activation(outputs: Outputs) -> torch.Tensor:
    """Mean over pairs of the unbiased linear CKA of the inputs [B, D] of their classifiers.

    Kornblith et al. 2019, with the estimator of HSIC of Song et al. 2012 that has no bias from small batches. The
    Gram matrices [B, B] have the same size whatever the widths. A pair of which one member's activations do not vary
    counts as 0.
    """
    import torch

    grams = [_gram(member) for member in outputs.activations]
    return torch.stack([_cka(a, b) for a, b in combinations(grams, 2)]).mean()


def _gram(activations: torch.Tensor) -> torch.Tensor:
    """Inner products [B, B], with a diagonal of 0; of centred activations, which changes no HSIC, only its rounding."""
    centred = activations - activations.mean(0)
    products = centred @ centred.T
    return products - products.diagonal().diag()


def _cka(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    import torch

    own = torch.stack([_hsic(a, a), _hsic(b, b)])
    smallest = torch.stack([(a * a).sum(), (b * b).sum()]) * torch.finfo(a.dtype).eps
    vary = (own > smallest).all()
    product = torch.where(vary, own, 1.0).prod()
    return torch.where(vary, _hsic(a, b) / product.sqrt(), 0.0)


def _hsic(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The unbiased estimate from Gram matrices [B, B] with a diagonal of 0, times the positive factor B (B - 3)."""
    count = len(a)
    rows_a, rows_b = a.sum(0), b.sum(0)
    both = rows_a.sum() * rows_b.sum() / ((count - 1) * (count - 2))
    return (a * b).sum() + both - 2 / (count - 2) * (rows_a @ rows_b)


ACTIVATION = LossTerm(
    name="activation",
    order=40,
    title="penalty on similar activations",
    formula=(
        "the loss is mean cross-entropy + w · mean over pairs of the linear CKA of the inputs of their classifiers in"
        " a batch, by the unbiased estimate (Kornblith et al. 2019, Song et al. 2012), which needs four images"
    ),
    value=_activation,
    axis="activations",
    fewest=4,
)
