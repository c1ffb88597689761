"""Linear centred kernel alignment of every pair of members' representations."""

from collections.abc import Sequence

import torch

from kernels import checks


def cka(activations: Sequence[torch.Tensor]) -> torch.Tensor:
    """‖YᵀX‖²_F / (‖XᵀX‖_F ‖YᵀY‖_F) of the centred activations: 1 where two members represent alike up to a rotation.

    activations: M tensors, float [N, D_m], the same samples in the same order. Returns float64 [M, M]; NaN where a
    member's activations are the same for all samples.
    """
    if len(activations) == 0:
        raise ValueError("activations: needs at least one member")
    for member, features in enumerate(activations):
        name = f"activations[{member}]"
        checks.require_tensor(name, features, "samples, features")
        checks.require_float(name, features)
        checks.require_same_device(name, features, activations[0].device)
        if len(features) != len(activations[0]):
            raise ValueError(f"{name}: has {len(features)} samples, activations[0] has {len(activations[0])}")
        checks.require_finite(name, features)
    members = len(activations)
    centred = [_centred(features.double()) for features in activations]
    products = centred[0].new_zeros(members, members)
    for a in range(members):
        for b in range(a, members):
            products[a, b] = products[b, a] = _squared_norm_of_product(centred[a], centred[b])
    own = products.diagonal()
    return (products / (own[:, None] * own).sqrt()).clamp_max(1)


def _centred(features: torch.Tensor) -> torch.Tensor:
    shifted = features - features[0]  # constant activations become exactly zero, whatever the rounding of their mean
    return shifted - shifted.mean(0)


def _squared_norm_of_product(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if len(x) < max(x.shape[1], y.shape[1]):
        return ((x @ x.T) * (y @ y.T)).sum()
    return (y.T @ x).square().sum()
