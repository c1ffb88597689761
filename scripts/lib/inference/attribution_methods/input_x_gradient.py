"""The gradient of the logit times the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.lib.inference.attribution_methods.gradients import gradient
from scripts.lib.inference.attribution_methods.spec import AttributionMethod

if TYPE_CHECKING:
    import torch
    from torch import nn


def _attribute(model: nn.Module, images: torch.Tensor, target: torch.Tensor, steps: int) -> torch.Tensor:
    return images * gradient(model, images, target)


INPUT_X_GRADIENT = AttributionMethod(
    name="InputXGradient",
    order=20,
    attribute=_attribute,
)
