"""What an attribution method is, and the registry of all of them. Needs only the standard library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.lib.jobs.registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import nn


def _one(steps: int) -> int:
    return 1


@dataclass(frozen=True)
class AttributionMethod:
    """A method that computes how much each input value contributes to the logit of a class.

    `attribute` takes a network, prepared images float32 [B, 3, s, s] that require a gradient, the classes int64 [B] and
    the study's `attributions.steps`, and returns values of the shape of the images. `passes` says how many forward and
    backward passes it needs for one image with this number of steps.
    """

    name: str
    order: int
    attribute: Callable[[nn.Module, torch.Tensor, torch.Tensor, int], torch.Tensor]
    passes: Callable[[int], int] = _one


ATTRIBUTION_METHODS = Registry("scripts.lib.inference.attribution_methods", AttributionMethod)
