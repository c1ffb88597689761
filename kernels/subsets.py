"""Which members an ensemble has: all subsets by number, or a list."""

from typing import Literal

import torch

Ensembles = torch.Tensor | Literal["all"]


def rows_of(ensembles: Ensembles, members: int) -> int:
    """Rows of the kernels' results: "all" includes the empty ensemble, e = 0, which the public functions leave out."""
    return 1 << members if isinstance(ensembles, str) else len(ensembles)


def membership(ensembles: Ensembles, first: int, last: int, values: torch.Tensor) -> torch.Tensor:
    """Of ensembles [first, last), as numbers [ensembles, members] that multiply `values` [members, ...]."""
    if not isinstance(ensembles, str):
        return ensembles[first:last].to(values.dtype)
    numbers = torch.arange(first, last, device=values.device)
    return (numbers[:, None] >> torch.arange(len(values), device=values.device) & 1).to(values.dtype)
