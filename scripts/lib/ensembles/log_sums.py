"""Decisions by sums of logarithms of probabilities, which three consensus methods share.

The logarithm of a product is a sum of logarithms, and a member's logits are the logarithms of its probabilities, but
for a number that all classes share. So the geometric mean of probabilities, their product and the average of logits put
the classes in the same order, and one sweep serves the three names under which users know the method. The names differ
in the probabilities that they give to the ensemble: see docs/measures.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch


def above_least(logarithms: torch.Tensor) -> torch.Tensor:
    """How far each class is above the member's least probable one, float64 [M, N, C], never negative.

    What is taken from all classes of a member alike changes no decision, and the sweep needs scores from 0 on.
    """
    values = logarithms.double()
    return values - values.amin(2, keepdim=True)


def count_by_logarithms(
    scores: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor | Literal["all"]
) -> torch.Tensor:
    """`ConsensusMethod.count` of the class with the largest sum of logarithms; of equals, the lowest."""
    import kernels

    return kernels.consensus_sweep(above_least(scores), labels, ensembles, "average")


def decide_by_logarithms(scores: torch.Tensor) -> torch.Tensor:
    """`ConsensusMethod.decide` for the same decisions."""
    return above_least(scores).sum(0).argmax(1)


def shares_by_logarithms(scores: torch.Tensor) -> torch.Tensor:
    """`ConsensusMethod.shares`: the geometric mean of the probabilities, divided by its sum over the classes."""
    return scores.double().mean(0).softmax(1)
