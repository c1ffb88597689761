"""The class that most members predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scripts.lib.ensembles.consensus.spec import ConsensusMethod

if TYPE_CHECKING:
    import torch


def _count(scores: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor | Literal["all"]) -> torch.Tensor:
    import kernels

    return kernels.consensus_sweep(scores, labels, ensembles, "vote")


VOTE = ConsensusMethod(
    name="vote",
    order=20,
    title="majority vote",
    decision="the class that most members predict, ties broken by the summed probability",
    count=_count,
)
