"""What a consensus method is, and the registry of all of them. Needs only the standard library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scripts.lib.jobs.registry import Registry

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ConsensusMethod:
    """How an ensemble combines its members' predictions into one decision.

    `title` is used in figures and tables ("ensembles by ..."), `decision` in the reference of the study file ("...
    takes ..."). `count` returns how many samples each ensemble classifies correctly, int64 [E], from probabilities
    [M, N, C], labels int64 [N] and the ensembles: bool [E, M], or "all" for the 2^M - 1 that are not empty, where row
    e - 1 is the ensemble whose members are the set bits of e. Counts of shards of samples add up. `decide` returns the
    classes int64 [N] that one ensemble decides for, from the probabilities [L, N, C] of its members; `count` counts the
    same decisions. `averages` says that the ensemble's probabilities are the mean of its members'; other ensembles have
    no probabilities to score.
    """

    name: str
    order: int
    title: str
    decision: str
    count: Callable[[torch.Tensor, torch.Tensor, torch.Tensor | Literal["all"]], torch.Tensor]
    decide: Callable[[torch.Tensor], torch.Tensor]
    averages: bool = False


CONSENSUS_METHODS = Registry("scripts.lib.ensembles.consensus", ConsensusMethod)
