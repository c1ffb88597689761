"""How many samples each ensemble of a set of members gets right."""

from collections.abc import Iterator
from typing import Literal, get_args

import torch

from kernels import checks

Consensus = Literal["average", "average_logits", "vote"]

MAX_MEMBERS_OF_ALL = 20
BLOCK_ELEMENTS = 1 << 22


def consensus_sweep(
    probabilities: torch.Tensor,
    labels: torch.Tensor,
    ensembles: torch.Tensor | Literal["all"] = "all",
    consensus: Consensus = "average",
) -> torch.Tensor:
    """Number of samples that each ensemble gets right.

    probabilities: float [M, N, C]; logits where consensus is "average_logits". labels: integer [N]. ensembles: "all" (up
    to 20 members; row e - 1 of the result is the ensemble whose members are the set bits of e) or bool [E, M]. Returns
    int64 [E]. "average" and "average_logits" take the class with the largest sum; "vote" the one most members put first,
    ties broken by summed probability. Remaining ties go to the lowest class index.
    """
    checks.require_tensor("probabilities", probabilities, "members, samples, classes")
    checks.require_float("probabilities", probabilities)
    checks.require_tensor("labels", labels, "samples")
    checks.require_integer("labels", labels)
    checks.require_same_device("labels", labels, probabilities.device)
    checks.require_choice("consensus", consensus, get_args(Consensus))
    members, samples, classes = probabilities.shape
    if len(labels) != samples:
        raise ValueError(f"labels: has {len(labels)} samples, probabilities has {samples}")
    checks.require_range("labels", labels, 0, classes)
    if consensus == "average_logits":
        checks.require_finite("probabilities", probabilities)
    else:
        checks.require_probabilities("probabilities", probabilities)
    chosen = _membership(ensembles, members, probabilities.device)
    counts = torch.zeros(len(chosen), dtype=torch.int64, device=probabilities.device)
    for rows, columns in _blocks(len(chosen), samples, classes):
        winners = _winners(probabilities[:, columns].double(), chosen[rows].double(), consensus)
        counts[rows] += (winners == labels[columns]).sum(1)
    return counts


def _membership(ensembles: torch.Tensor | Literal["all"], members: int, device: torch.device) -> torch.Tensor:
    if isinstance(ensembles, str):
        checks.require_choice("ensembles", ensembles, ["all"])
        if members > MAX_MEMBERS_OF_ALL:
            raise ValueError(f'ensembles: "all" takes up to {MAX_MEMBERS_OF_ALL} members, got {members}; list them')
        numbers = torch.arange(1, 1 << members, device=device)
        return (numbers[:, None] >> torch.arange(members, device=device)) % 2 == 1
    checks.require_tensor("ensembles", ensembles, "ensembles, members")
    checks.require_bool("ensembles", ensembles)
    checks.require_same_device("ensembles", ensembles, device)
    if ensembles.shape[1] != members:
        raise ValueError(f"ensembles: has {ensembles.shape[1]} members, probabilities has {members}")
    empty = (~ensembles.any(1)).nonzero()
    if len(empty):
        raise ValueError(f"ensembles[{empty[0].item()}]: has no member")
    return ensembles


def _blocks(ensembles: int, samples: int, classes: int) -> Iterator[tuple[slice, slice]]:
    columns = max(1, min(samples, BLOCK_ELEMENTS // (classes * min(ensembles, 64))))
    rows = max(1, BLOCK_ELEMENTS // (classes * columns))
    for sample in range(0, samples, columns):
        for ensemble in range(0, ensembles, rows):
            yield slice(ensemble, ensemble + rows), slice(sample, sample + columns)


def _winners(probabilities: torch.Tensor, chosen: torch.Tensor, consensus: Consensus) -> torch.Tensor:
    """The class that each ensemble of the block decides for, [ensembles, samples]."""
    sums = torch.einsum("em,mnc->enc", chosen, probabilities)
    if consensus == "vote":
        first = torch.nn.functional.one_hot(probabilities.argmax(2), probabilities.shape[2]).double()
        votes = torch.einsum("em,mnc->enc", chosen, first)
        sums = torch.where(votes == votes.amax(2, keepdim=True), sums, -1)
    return sums.argmax(2)
