"""The class of highest mean probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scripts.lib.ensembles.consensus.spec import ConsensusMethod

if TYPE_CHECKING:
    import torch


def _count(scores: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor | Literal["all"]) -> torch.Tensor:
    import kernels

    return kernels.consensus_sweep(scores, labels, ensembles, "average")


def _decide(scores: torch.Tensor) -> torch.Tensor:
    return scores.double().sum(0).argmax(1)


def _shares(scores: torch.Tensor) -> torch.Tensor:
    return scores.double().mean(0)


AVERAGE = ConsensusMethod(
    name="average",
    order=10,
    title="averaging of probabilities",
    decision="the class of highest mean probability",
    count=_count,
    decide=_decide,
    shares=_shares,
    averages=True,
)
