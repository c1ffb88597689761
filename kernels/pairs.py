"""Matrices over pairs of members."""

import torch


def mirrored(matrix: torch.Tensor) -> torch.Tensor:
    """The upper triangle of [M, M] with its diagonal, reflected: exactly symmetric, unlike sums computed separately."""
    return matrix.triu() + matrix.triu(1).T


def with_ones_on_diagonal(matrices: torch.Tensor) -> torch.Tensor:
    """[n, M, M], changed in place: every member has similarity 1 with itself."""
    matrices.diagonal(dim1=1, dim2=2).fill_(1)
    return matrices
