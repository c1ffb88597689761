"""The gradient of the logit, of which only positive values are propagated back through a ReLU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.lib.inference.attribution_methods.spec import AttributionMethod

if TYPE_CHECKING:
    import torch
    from torch import nn


def _attribute(model: nn.Module, images: torch.Tensor, target: torch.Tensor, steps: int) -> torch.Tensor:
    """Springenberg et al. 2015; only ReLU is changed, so for a network without ReLU it is the plain gradient."""
    from captum.attr import GuidedBackprop

    return GuidedBackprop(model).attribute(images, target=target)


GUIDED_BACKPROP = AttributionMethod(
    name="GuidedBackprop",
    order=40,
    attribute=_attribute,
)
