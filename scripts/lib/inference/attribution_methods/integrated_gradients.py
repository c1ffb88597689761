"""The mean gradient on the straight line from zero to the input, times the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.lib.inference.attribution_methods.spec import AttributionMethod

if TYPE_CHECKING:
    import torch
    from torch import nn


def _attribute(model: nn.Module, images: torch.Tensor, target: torch.Tensor, steps: int) -> torch.Tensor:
    """Sundararajan et al. 2017; the internal batch size limits memory to that of one batch (captum #245, #538)."""
    from captum.attr import IntegratedGradients

    from scripts.lib.inference.logits import BATCH

    return IntegratedGradients(model).attribute(images, target=target, n_steps=steps, internal_batch_size=BATCH)


INTEGRATED_GRADIENTS = AttributionMethod(
    name="IntegratedGradients",
    order=30,
    attribute=_attribute,
    passes=lambda steps: steps,
)
