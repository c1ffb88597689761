"""The class that most members predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scripts.lib.ensembles.consensus.spec import ConsensusMethod

if TYPE_CHECKING:
    import torch


def _count(scores: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor | Literal["all"]) -> torch.Tensor:
    import kernels

    return kernels.consensus_sweep(scores, labels, ensembles, "vote")


def _decide(scores: torch.Tensor) -> torch.Tensor:
    import torch

    votes = torch.nn.functional.one_hot(scores.argmax(2), scores.shape[2]).sum(0)
    total = scores.double().sum(0)
    return torch.where(votes == votes.amax(1, keepdim=True), total, -1).argmax(1)


def _shares(scores: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.nn.functional.one_hot(scores.argmax(2), scores.shape[2]).double().mean(0)


VOTE = ConsensusMethod(
    name="vote",
    order=20,
    title="majority vote",
    decision="the class that most members predict, ties broken by the summed probability",
    count=_count,
    decide=_decide,
    shares=_shares,
)
