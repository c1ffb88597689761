"""What a consensus method is, and the registry of all of them. Needs only the standard library."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scripts.lib.ensembles.sizes import MOST_ENSEMBLES
from scripts.lib.jobs.registry import Registry

if TYPE_CHECKING:
    import torch

    Count = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | Literal["all"]], torch.Tensor]
    Decide = Callable[[torch.Tensor], torch.Tensor]

Form = Literal["probabilities", "logarithms"]
PROBABILITIES: Form = "probabilities"
LOGARITHMS: Form = "logarithms"  # of probabilities: a probability that is 0 in float64 keeps its logarithm

# What a study may have for a method whose ensembles share no work: all ensembles of 13 members, or 200 of 40 sizes.
MOST_LISTED, MOST_MEMBERS_LISTED = 2**13 - 1, 100


@dataclass(frozen=True)
class ConsensusMethod:
    """How an ensemble combines its members' predictions into one decision.

    `title` is used in figures and tables ("ensembles by ..."), `decision` in the reference of the study file ("...
    takes ..."). `count` returns how many samples each ensemble classifies correctly, int64 [E], from scores float
    [M, N, C], labels int64 [N] and the ensembles: bool [E, M], or "all" for the 2^M - 1 that are not empty, where row
    e - 1 is the ensemble whose members are the set bits of e. Counts of shards of samples add up. `decide` returns the
    classes int64 [N] that one ensemble decides for, from the scores [L, N, C] of its members; `count` counts the same
    decisions. `shares` returns values float64 [N, C] that sum to 1, which `predict` writes beside these classes. `form`
    says what the scores are. `averages` says that the ensemble's probabilities are the mean of its members'; other
    ensembles have no probabilities to score. `most_ensembles` and `most_members` are what a study may have at most,
    because the method costs so much for each ensemble; one with a lower limit than the sweep's never gets "all".
    """

    name: str
    order: int
    title: str
    decision: str
    count: Count
    decide: Decide
    shares: Decide
    averages: bool = False
    form: Form = PROBABILITIES
    most_ensembles: int = MOST_ENSEMBLES
    most_members: int | None = None

    @property
    def sweeps(self) -> bool:
        """Whether `count` takes "all"."""
        return self.most_ensembles >= MOST_ENSEMBLES


CONSENSUS_METHODS = Registry("scripts.lib.ensembles.consensus", ConsensusMethod)


def averaging(names: Iterable[str]) -> list[str]:
    """Those of the consensus methods with these names that average probabilities, in their order."""
    return [name for name in names if CONSENSUS_METHODS[name].averages]
