"""The gradient of the logit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.lib.inference.attribution_methods.spec import AttributionMethod

if TYPE_CHECKING:
    import torch
    from torch import nn


def _attribute(model: nn.Module, images: torch.Tensor, target: torch.Tensor, steps: int) -> torch.Tensor:
    from captum.attr import Saliency

    return Saliency(model).attribute(images, target=target)


SALIENCY = AttributionMethod(
    name="Saliency",
    order=10,
    attribute=_attribute,
)
