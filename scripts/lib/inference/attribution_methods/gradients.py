"""The gradient of a class's logit, which several attribution methods use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


def gradient(model: nn.Module, images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The gradient, of the shape of `images` [B, 3, s, s], of each image's logit of its class `target` int64 [B].

    `images` must require a gradient.
    """
    import torch

    logits = model(images).gather(1, target[:, None])
    return torch.autograd.grad(logits.sum(), images)[0]
