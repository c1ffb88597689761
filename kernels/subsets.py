"""The members of each ensemble: all subsets by their number, or a list."""

from typing import Any, Literal

import torch

from . import checks
from .cpu import compiled

# "all", or bool [E, M] with one ensemble per row.
Ensembles = torch.Tensor | Literal["all"]

MAX_MEMBERS_OF_ALL = 20
# Compiled code counts all subsets block by block: 2^13 of them, so that 64 KiB of numbers per block stay in the cache.
LOW_MEMBERS, MIDDLE_MEMBERS = 7, 6


def check_ensembles(ensembles: Ensembles, members: int, device: torch.device) -> None:
    """Raise ValueError for "all" of too many members, and for a list that does not fit or has an empty ensemble."""
    if isinstance(ensembles, str):
        checks.require_choice("ensembles", ensembles, ["all"])
        if members > MAX_MEMBERS_OF_ALL:
            raise ValueError(f'ensembles: "all" takes up to {MAX_MEMBERS_OF_ALL} members, got {members}; list them')
        return
    checks.require_tensor("ensembles", ensembles, "ensembles, members")
    checks.require_bool("ensembles", ensembles)
    checks.require_same_device("ensembles", ensembles, device)
    if ensembles.shape[1] != members:
        raise ValueError(f"ensembles: has {ensembles.shape[1]} members, probabilities has {members}")
    empty = (~ensembles.any(1)).nonzero()
    if len(empty):
        raise ValueError(f"ensembles[{empty[0].item()}]: has no member")


def rows_of(ensembles: Ensembles, members: int) -> int:
    """Rows of the result; "all" includes the empty ensemble, number 0, which the public function drops."""
    return 1 << members if isinstance(ensembles, str) else len(ensembles)


def membership(ensembles: Ensembles, first: int, last: int, values: torch.Tensor) -> torch.Tensor:
    """The members of ensembles [first, last): zeros and ones [last - first, M], dtype and device as `values` [M, …]."""
    if not isinstance(ensembles, str):
        return ensembles[first:last].to(values.dtype)
    numbers = torch.arange(first, last, device=values.device)
    return (numbers[:, None] >> torch.arange(len(values), device=values.device) & 1).to(values.dtype)


def widths(members: int) -> tuple[int, int]:
    """Numbers of low and middle members: a row has 2^low subsets, and a block 2^middle rows."""
    low = min(members, LOW_MEMBERS)
    return low, min(members - low, MIDDLE_MEMBERS)


@compiled
def subset_sums(values: Any, sums: Any) -> None:
    """sums[e] = the sum of the values at the set bits of e, for numba; 2^n sums of n values."""
    sums[0] = 0.0
    for bit in range(len(values)):
        for e in range(1 << bit):
            sums[e + (1 << bit)] = sums[e] + values[bit]
