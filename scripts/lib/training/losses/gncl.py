"""Generalised negative correlation learning for the cross-entropy, on logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.lib.training.losses.spec import LossTerm, Outputs

if TYPE_CHECKING:
    import torch


def _gncl(outputs: Outputs) -> torch.Tensor:
    """- 1/2 mean over members and images of d_i' D d_i (Buschjäger et al. 2020, equation 4).

    d_i are a member's logits less the mean z of the members' logits, and D = diag(q) - q q' with q = softmax(z) is the
    Hessian of the cross-entropy at z; so d' D d is the variance of d under q. It is the second-order approximation of
    CE(z) - mean CE, by which weight 1 trains the geometric average of the members.
    """
    centre = outputs.logits.mean(0)
    weights, deviations = centre.softmax(1), outputs.logits - centre
    mean = (weights * deviations).sum(2, keepdim=True)
    return -(weights * (deviations - mean).square()).sum(2).mean() / 2


GNCL = LossTerm(
    name="gncl",
    order=30,
    title="generalised NCL",
    formula=(
        "the loss is mean cross-entropy − w/2 · mean of d_iᵀ D d_i, with w in [0, 1], where d_i are a member's logits"
        " less the members' mean logits and D is the Hessian of the cross-entropy at the mean logits (Buschjäger et "
        "al. 2020)"
    ),
    value=_gncl,
    axis="predictions",
    largest=1,
)
