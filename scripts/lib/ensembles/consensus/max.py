"""The class of highest probability in any member. Source: Kittler et al. 1998; Kuncheva 2004."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scripts.lib.ensembles.consensus.spec import MOST_LISTED, MOST_MEMBERS_LISTED, ConsensusMethod

if TYPE_CHECKING:
    import torch


def _count(scores: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor | Literal["all"]) -> torch.Tensor:
    import kernels

    assert not isinstance(ensembles, str), "its ensembles share no work, so they are always listed"
    return kernels.consensus_order(scores, labels, ensembles, "max")


def _decide(scores: torch.Tensor) -> torch.Tensor:
    from kernels.consensus_order import order_statistic

    return order_statistic(scores, "max").argmax(1)


def _shares(scores: torch.Tensor) -> torch.Tensor:
    from kernels.consensus_order import order_statistic

    found = order_statistic(scores, "max")
    return (found / found.sum(1, keepdim=True)).nan_to_num(1 / found.shape[1])  # where all of them are 0


MAX = ConsensusMethod(
    name="max",
    order=80,
    title="maximum of probabilities",
    decision="the class of highest probability in any member",
    count=_count,
    decide=_decide,
    shares=_shares,
    most_ensembles=MOST_LISTED,
    most_members=MOST_MEMBERS_LISTED,
)
