"""The cross-entropy of the averaged prediction takes the place of a part of the members' own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.lib.training.losses.spec import LossTerm, Outputs

if TYPE_CHECKING:
    import torch


def _joint(outputs: Outputs) -> torch.Tensor:
    """CE(mean of the probabilities) - mean CE of the members; by Jensen's inequality, never above 0.

    mean CE + w * this = (1 - w) * mean CE + w * CE of the average (Webb et al. 2020, "To Ensemble or Not Ensemble", who
    average logits; Jeffares et al. 2023, equation 3). Computed from logarithms, so that no probability becomes 0.
    """
    import math

    import torch
    from torch.nn.functional import nll_loss

    log_probabilities = outputs.logits.log_softmax(2)
    average = log_probabilities.logsumexp(0) - math.log(len(log_probabilities))
    of_members = torch.stack([nll_loss(of_member, outputs.labels) for of_member in log_probabilities])
    return nll_loss(average, outputs.labels) - of_members.mean()


JOINT = LossTerm(
    name="joint",
    order=10,
    title="balanced loss",
    formula=(
        "the loss is (1 − w) · mean cross-entropy of the members + w · cross-entropy of the mean of their "
        "probabilities, with w in [0, 1]: a balance of individual and ensemble accuracy (after Webb et al. 2020, who "
        "average logits)"
    ),
    value=_joint,
    axis="predictions",
    largest=1,
)
