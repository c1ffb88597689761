"""The gradient of the logit times the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.lib.inference.attribution_methods.spec import AttributionMethod

if TYPE_CHECKING:
    import torch
    from torch import nn


def _attribute(model: nn.Module, images: torch.Tensor, target: torch.Tensor, steps: int) -> torch.Tensor:
    from captum.attr import InputXGradient

    return InputXGradient(model).attribute(images, target=target)


INPUT_X_GRADIENT = AttributionMethod(
    name="InputXGradient",
    order=20,
    attribute=_attribute,
)
