"""Linear centred kernel alignment of every pair of members' representations.

The idea. ‖YᵀX‖²_F = <XXᵀ, YYᵀ>: the numerator is an inner product of D × D products of features or of N × N Gram
matrices, whichever takes fewer operations. In Gram form each member's tile is computed once and all pairs of a tile are
one matrix product, so that neither a loop over samples for each pair nor an N × N matrix of any member is needed. All
of it is matrix products: torch's run at the device's limit, so there is no implementation in numba or Triton.
"""

from collections.abc import Sequence

import torch

from . import checks
from .pairs import mirrored

TILE = 512  # samples


def cka(activations: Sequence[torch.Tensor]) -> torch.Tensor:
    """‖YᵀX‖²_F / (‖XᵀX‖_F ‖YᵀY‖_F) of the centred activations: 1 if the two differ by rotation and scale only.

    Args:
        activations: M tensors, float [N, D_m], finite, the same samples in the same order.

    Returns:
        float64 [M, M], symmetric, between 0 and 1; NaN where a member's activations are the same for all samples. This
        estimate is biased upwards where N is not much larger than D; `hsic_sums` leads to the unbiased one.

    Raises:
        ValueError: names the argument, the member and the first offending index.

    Definition: `activation_similarity` in docs/measures.md.

    Cost: min(N (ΣD)², N² ΣD + M² N² / 2) multiply-adds in float64; memory 8 N ΣD bytes and M tiles.
    """
    _check(activations, least_samples=1)
    centred = [_centre(features.double()) for features in activations]
    products = mirrored(_products(centred))
    own = products.diagonal()
    return (products / (own[:, None] * own).sqrt()).clamp(0, 1)


def hsic_sums(activations: Sequence[torch.Tensor]) -> torch.Tensor:
    """Unbiased HSIC₁ of every pair on one batch of samples; sums of batches go to `cka_of_sums`.

    Args:
        activations: M tensors, float [n, D_m], finite, n ≥ 4.

    Returns:
        float64 [M, M]. Values may be negative.

    Raises:
        ValueError: names the argument, the member and the first offending index.

    Definition: `unbiased_activation_similarity` in docs/measures.md.

    Cost: n² ΣD + M² n² / 2 multiply-adds; memory 8 M n² bytes: keep batches at a few hundred samples.
    """
    _check(activations, least_samples=4)
    n = len(activations[0])
    grams = torch.stack([features.double() @ features.double().T for features in activations])
    grams.diagonal(dim1=1, dim2=2).zero_()
    rows = grams.sum(2)
    totals = rows.sum(1)
    traces = grams.flatten(1) @ grams.flatten(1).T
    return (traces + totals[:, None] * totals / ((n - 1) * (n - 2)) - 2 / (n - 2) * (rows @ rows.T)) / (n * (n - 3))


def cka_of_sums(sums: torch.Tensor) -> torch.Tensor:
    """HSIC(x, y) / √(HSIC(x, x) HSIC(y, y)) of the sum of the `hsic_sums` of all batches, float64 [M, M].

    Returns float64 [M, M], which may be negative and, by chance, above 1; NaN if HSIC(x, x) is not positive.
    """
    own = sums.diagonal().clamp_min(0)
    scale = (own[:, None] * own).sqrt()
    return torch.where(scale > 0, sums / scale, torch.nan)


# ---------------------------------------------------------------------------------------------------------- plain torch


def _centre(features: torch.Tensor) -> torch.Tensor:
    shifted = features - features[0]  # constant activations become exactly zero, whatever the rounding of their mean
    return shifted - shifted.mean(0)


def _products(centred: list[torch.Tensor]) -> torch.Tensor:
    members, samples, features = len(centred), len(centred[0]), sum(x.shape[1] for x in centred)
    by_features = samples * features**2 / 2
    by_samples = samples**2 / 2 * (features + members**2)
    return _products_of_features(centred) if by_features <= by_samples else _products_of_grams(centred)


def _products_of_features(centred: list[torch.Tensor]) -> torch.Tensor:
    products = centred[0].new_zeros(len(centred), len(centred))
    for a, x in enumerate(centred):
        for b, y in enumerate(centred[: a + 1]):
            products[b, a] = (y.T @ x).square().sum()
    return products


def _products_of_grams(centred: list[torch.Tensor]) -> torch.Tensor:
    members, samples = len(centred), len(centred[0])
    products = centred[0].new_zeros(members, members)
    for i in range(0, samples, TILE):
        for j in range(0, i + 1, TILE):
            tiles = torch.stack([(x[i : i + TILE] @ x[j : j + TILE].T).flatten() for x in centred])
            products += (1 if i == j else 2) * (tiles @ tiles.T)
    return products


# --------------------------------------------------------------------------------------------------------------- checks


def _check(activations: Sequence[torch.Tensor], least_samples: int) -> None:
    if len(activations) == 0:
        raise ValueError("activations: needs at least one member")
    for member, features in enumerate(activations):
        name = f"activations[{member}]"
        checks.require_tensor(name, features, "samples, features")
        checks.require_float(name, features)
        checks.require_same_device(name, features, activations[0].device)
        if len(features) != len(activations[0]):
            raise ValueError(f"{name}: has {len(features)} samples, activations[0] has {len(activations[0])}")
        if len(features) < least_samples:
            raise ValueError(f"{name}: has {len(features)} samples, needs at least {least_samples}")
        checks.require_finite(name, features)
