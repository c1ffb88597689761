"""What a term of the loss of a group is, and the registry of all terms. Needs only the standard library.

The members of a group are trained on

    mean cross-entropy of the members + sum over the terms of weight * term,

where the terms and weights are those of the study (`groups[]/loss`). Without a term, the members are independent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from scripts.lib.jobs.registry import Registry

if TYPE_CHECKING:
    import torch

Axis = Literal["predictions", "activations", "attributions"]


@dataclass(frozen=True)
class Outputs:
    """What M members say of the same images, as far as a term needs it.

    `logits` [M, B, C] and `labels` int64 [B]; `activations`: of each member the inputs [B, D] of its classifier, whose
    width D may differ between members; `maps` [M, B, S, S]: the attribution maps of the true class.
    """

    logits: torch.Tensor
    labels: torch.Tensor
    activations: list[torch.Tensor] = field(default_factory=list)
    maps: torch.Tensor | None = None


@dataclass(frozen=True)
class LossTerm:
    """A term of the loss.

    `title` is used in tables and figures ("trained with ..."), `formula` in the reference of the study file. `value`
    returns the term for a batch, of no dimension; it falls as the members become more different. `axis` is what it
    compares, `largest` the largest weight that a study may give (None: there is none), and `fewest` the number of
    images that it needs at once.
    """

    name: str
    order: int
    title: str
    formula: str
    value: Callable[[Outputs], torch.Tensor]
    axis: Axis
    largest: float | None = None
    fewest: int = 1


LOSS_TERMS = Registry("scripts.lib.training.losses", LossTerm)


def double_backward(terms: list[str]) -> bool:
    """Whether a loss with these terms depends on gradients, so that it must be differentiated twice."""
    return any(LOSS_TERMS[name].axis == "attributions" for name in terms)
