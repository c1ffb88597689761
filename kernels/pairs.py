"""Matrices over pairs of members."""

import torch


def mirrored(matrix: torch.Tensor) -> torch.Tensor:
    """The upper triangle and the diagonal, reflected: symmetric to the last bit, unlike sums in another order."""
    return matrix.triu() + matrix.triu(1).T
