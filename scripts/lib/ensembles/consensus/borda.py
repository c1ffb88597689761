"""The class with the most points: each member gives a class one point for each class that it ranks below it.

Source: the Borda count; Ho, Hull & Srihari 1994 for classifiers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from scripts.lib.ensembles.consensus.spec import ConsensusMethod

if TYPE_CHECKING:
    import torch

# Steps of the probabilities that break ties: whole numbers of them, so that sums are exact in any order.
STEPS = 2.0**20


def points(probabilities: torch.Tensor) -> torch.Tensor:
    """Scores float64 [M, N, C] whose sums over members decide: points first, and then probabilities.

    Equally probable classes share their points. A point is worth more than all probabilities together, which are
    rounded to 2^-20. All numbers are whole numbers of 2^-21, and sums of 1000 members and classes stay below 2^53 of
    them, so that every sum is exact.
    """
    import torch

    ascending, order = probabilities.sort(2)
    classes = probabilities.shape[2]
    places = torch.arange(classes, device=probabilities.device).expand_as(order)
    new = torch.nn.functional.pad(ascending.diff(dim=2) != 0, (1, 0), value=True)
    first = torch.where(new, places, 0).cummax(2).values
    last = torch.where(torch.nn.functional.pad(new[..., 1:], (0, 1), value=True), places, classes)
    last = last.flip(2).cummin(2).values.flip(2)
    shared = torch.empty_like(probabilities, dtype=torch.float64)
    shared.scatter_(2, order, (first + last).double() / 2)
    worth = 2.0 ** math.ceil(math.log2(4 * len(probabilities)))
    return shared * worth + (probabilities.double() * STEPS).round() / STEPS


def _count(scores: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor | Literal["all"]) -> torch.Tensor:
    import kernels

    return kernels.consensus_sweep(points(scores), labels, ensembles, "average")


def _decide(scores: torch.Tensor) -> torch.Tensor:
    return points(scores).sum(0).argmax(1)


def _shares(scores: torch.Tensor) -> torch.Tensor:
    found = points(scores).sum(0)
    return found / found.sum(1, keepdim=True)


BORDA = ConsensusMethod(
    name="borda",
    order=50,
    title="Borda count",
    decision=(
        "the class with the most points, one from each member for each class that it ranks lower; ties broken by the "
        "summed probability"
    ),
    count=_count,
    decide=_decide,
    shares=_shares,
)
