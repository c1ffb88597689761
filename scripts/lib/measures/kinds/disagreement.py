"""Do two members predict the same class?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.lib.measures.spec import Documentation, Measure, Quantity

if TYPE_CHECKING:
    import torch

    from scripts.lib.measures.recorded import Recorded


def _sums(recorded: Recorded, device: torch.device) -> torch.Tensor:
    import kernels
    from scripts.lib.inference.predictions import predicted_classes

    return kernels.disagreement(predicted_classes(recorded.arrays).to(device), reduction="sum")


DISAGREEMENT = Measure(
    name="disagreement",
    order=10,
    quantity=Quantity("Prediction disagreement", "%", 100),
    needs="predictions",
    sums=_sums,
    documentation=Documentation(
        definition="the share of samples for which the two members predict different classes (label disagreement).",
        compares="predicted classes",
        range="0 to 1; 0 for a member with itself.",
        remarks=(
            "samples on which both members are wrong with different classes count here, but do not count for "
            "`oracle_disagreement`. The two measures are equal when there are two classes."
        ),
        source=(
            "the disagreement measure of Kuncheva & Whitaker 2003, applied to predicted classes instead of correctness."
        ),
    ),
)
