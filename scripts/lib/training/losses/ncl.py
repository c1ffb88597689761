"""Negative correlation learning on probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.lib.training.losses.spec import LossTerm, Outputs

if TYPE_CHECKING:
    import torch


def _ncl(outputs: Outputs) -> torch.Tensor:
    """- mean over members and images of |p_i - p|², where p is the mean of the members' probabilities p_i.

    The penalty (p_i - p) · sum over j ≠ i of (p_j - p) of Liu & Yao 1999 is the same, because the deviations of all
    members add up to 0. The gradient goes through p (Brown et al. 2005, section 3).
    """
    probabilities = outputs.logits.softmax(2)
    return -(probabilities - probabilities.mean(0)).square().sum(2).mean()


NCL = LossTerm(
    name="ncl",
    order=20,
    title="NCL on probabilities",
    formula=(
        "the loss is mean cross-entropy − w · mean squared distance of each member's probabilities from the members' "
        "mean probabilities (the penalty of Liu & Yao 1999 and Brown et al. 2005, who add it to a squared error)"
    ),
    value=_ncl,
    axis="predictions",
    largest=10,
)
