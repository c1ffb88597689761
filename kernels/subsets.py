"""The members of each ensemble: all subsets by their number, or a list."""

from typing import Literal

import torch

# "all", or bool [E, M] with one ensemble per row.
Ensembles = torch.Tensor | Literal["all"]


def rows_of(ensembles: Ensembles, members: int) -> int:
    """Rows of the result; "all" includes the empty ensemble, number 0, which the public function drops."""
    return 1 << members if isinstance(ensembles, str) else len(ensembles)


def membership(ensembles: Ensembles, first: int, last: int, values: torch.Tensor) -> torch.Tensor:
    """The members of ensembles [first, last): zeros and ones [last - first, M], dtype and device as `values` [M, …]."""
    if not isinstance(ensembles, str):
        return ensembles[first:last].to(values.dtype)
    numbers = torch.arange(first, last, device=values.device)
    return (numbers[:, None] >> torch.arange(len(values), device=values.device) & 1).to(values.dtype)
