"""Do two members represent the images in similar ways?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.lib.jobs.shards import MINIBATCH
from scripts.lib.measures.spec import Dissimilarity, Documentation, Measure, Quantity

if TYPE_CHECKING:
    import torch

    from scripts.lib.measures.recorded import Recorded


def _activations(recorded: Recorded, device: torch.device) -> list[torch.Tensor]:
    import numpy as np
    import torch

    return [torch.from_numpy(np.array(member)).to(device) for member in recorded.arrays]


def _linear_alignment(recorded: Recorded, device: torch.device) -> torch.Tensor:
    """The measure itself, because sums for it would be too large."""
    import kernels

    return kernels.cka(_activations(recorded, device))


def _itself(value: torch.Tensor, samples: int) -> torch.Tensor:
    return value


def _unbiased_alignment(recorded: Recorded, device: torch.device) -> torch.Tensor:
    """Sums over minibatches. A last minibatch with fewer than the four samples that the estimate needs is left out."""
    import torch

    import kernels

    members = _activations(recorded, device)
    total = torch.zeros(len(members), len(members), dtype=torch.float64, device=device)
    for batch in zip(*(member.split(MINIBATCH) for member in members), strict=True):
        if len(batch[0]) >= 4:
            total += kernels.hsic_sums(batch)
    return total


def _of_unbiased_sums(sums: torch.Tensor, samples: int) -> torch.Tensor:
    import kernels

    return kernels.cka_of_sums(sums)


ACTIVATION_SIMILARITY = Measure(
    name="activation_similarity",
    order=30,
    quantity=Quantity("Activation similarity", "CKA"),
    needs="activations",
    sums=_linear_alignment,
    value=_itself,
    dissimilarity=Dissimilarity("activation_dissimilarity", Quantity("Activation dissimilarity", "1 − CKA")),
    whole=True,
    divisible=False,
    documentation=Documentation(
        definition=(
            "linear centred kernel alignment (CKA), ‖YᵀX‖²_F / (‖XᵀX‖_F ‖YᵀY‖_F), where X and Y hold the two "
            "members' activations (the input of the classifier head), one sample per row, each column centred. The "
            "numbers of features may differ."
        ),
        compares="activations",
        range="0 to 1; 1 for a member with itself, and for two members that differ by a rotation and a scale.",
        undefined="where the activations of a member are the same for all samples; always undefined with one sample.",
        remarks=(
            "the estimate is biased upwards unless there are many more samples than features; without that, even "
            "unrelated activations have a value near 1. The measure needs all samples at once and is therefore "
            "never divided into shards."
        ),
        source="Kornblith et al. 2019.",
    ),
)

UNBIASED_ACTIVATION_SIMILARITY = Measure(
    name="unbiased_activation_similarity",
    order=130,
    quantity=Quantity("Unbiased activation similarity", "CKA"),
    needs="activations",
    sums=_unbiased_alignment,
    value=_of_unbiased_sums,
    divisible=False,
    dissimilarity=Dissimilarity(
        "unbiased_activation_dissimilarity", Quantity("Unbiased activation dissimilarity", "1 − CKA")
    ),
    documentation=Documentation(
        definition=(
            "minibatch CKA. The unbiased estimate HSIC₁ of every pair is added up over minibatches of 256 samples. "
            "At the end, the ratio HSIC₁(X, Y) / √(HSIC₁(X, X) HSIC₁(Y, Y)) is computed once, from the sums. HSIC₁ "
            "needs four samples, so a last minibatch of fewer than four samples is left out."
        ),
        compares="activations",
        range=(
            "not bounded: around 0 for unrelated members, 1 for a member with itself. As an unbiased estimate it "
            "can be negative and, by chance, above 1; such values are kept as they are."
        ),
        undefined=(
            "where the sum HSIC₁(X, X) of a member is not positive; always undefined with fewer than four samples."
        ),
        source="Nguyen, Raghu & Kornblith 2021; Song et al. 2012, equation 5, for HSIC₁.",
    ),
)
