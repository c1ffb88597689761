"""Members are penalised for looking at the same places."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from scripts.lib.training.losses.spec import LossTerm, Outputs

if TYPE_CHECKING:
    import torch


def _attribution(outputs: Outputs) -> torch.Tensor:
    """Mean over pairs and images of the cosine of their attribution maps [M, B, S, S].

    The maps are gradients of the true class's logit with respect to the image, absolute values summed over the channels
    (`training/group_outputs.py`), so the loss is differentiated twice. Between 0 and 1, because no map is negative.
    """
    import torch
    from torch.nn.functional import cosine_similarity

    if outputs.maps is None:
        raise ValueError("the term needs maps.")
    flat = outputs.maps.flatten(2)
    pairs = [cosine_similarity(flat[i], flat[j], dim=1).mean() for i, j in combinations(range(len(flat)), 2)]
    return torch.stack(pairs).mean()


ATTRIBUTION = LossTerm(
    name="attribution",
    order=50,
    title="penalty on similar attributions",
    formula=(
        "the loss is mean cross-entropy + w · mean over pairs and images of the cosine of their attribution maps: "
        "absolute gradients of the true class's logit with respect to the image. It is differentiated twice"
    ),
    value=_attribution,
    axis="attributions",
)
