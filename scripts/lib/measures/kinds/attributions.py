"""Do two members look at the same pixels?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from scripts.lib.measures.spec import Dissimilarity, Documentation, Measure, Quantity

if TYPE_CHECKING:
    import torch

    from scripts.lib.measures.recorded import Recorded


def _sums(
    recorded: Recorded, device: torch.device, kind: Literal["cosine", "pearson", "spearman", "topk_iou"]
) -> torch.Tensor:
    import numpy as np
    import torch

    import kernels

    maps = torch.from_numpy(np.stack(recorded.arrays)).flatten(2).to(device)
    return kernels.attribution_similarity(maps, kind, reduction="sum")


ATTRIBUTION_SIMILARITY = Measure(
    name="attribution_similarity",
    order=20,
    quantity=Quantity("Attribution similarity", "cosine"),
    needs="attributions",
    sums=partial(_sums, kind="cosine"),
    dissimilarity=Dissimilarity("attribution_dissimilarity", Quantity("Attribution dissimilarity", "1 − cosine")),
    documentation=Documentation(
        definition=(
            "the mean over samples of the cosine of the two members' flattened attribution maps. A map is the "
            "absolute attribution of each pixel, summed over the colour channels, for the class that "
            "`attributions.target` names: the member's own prediction (default) or the true label."
        ),
        compares="attribution maps",
        range="−1 to 1, and 0 to 1 for the recorded maps, which have no negative values; 1 for a member with itself.",
        undefined=(
            "never. A map that is zero everywhere has similarity 0 with the maps of all other members and 1 with "
            "itself."
        ),
        remarks=(
            "the scale of a map does not matter. Compare values only between studies with the same "
            "`attributions.method` and `attributions.target`."
        ),
        source="the usual cosine similarity; there is no single source.",
    ),
)

ATTRIBUTION_PEARSON_SIMILARITY = Measure(
    name="attribution_pearson_similarity",
    order=100,
    quantity=Quantity("Attribution correlation", "Pearson's r"),
    needs="attributions",
    sums=partial(_sums, kind="pearson"),
    dissimilarity=Dissimilarity(
        "attribution_pearson_dissimilarity", Quantity("Attribution decorrelation", "1 − Pearson's r")
    ),
    documentation=Documentation(
        definition="as `attribution_similarity`, with Pearson's correlation over the pixels instead of the cosine.",
        compares="attribution maps",
        range="−1 to 1; 1 for a member with itself.",
        undefined="never. A constant map has similarity 0 with the maps of all other members and 1 with itself.",
        source="Pearson's correlation coefficient; there is no single source for attribution maps.",
    ),
)

ATTRIBUTION_SPEARMAN_SIMILARITY = Measure(
    name="attribution_spearman_similarity",
    order=110,
    quantity=Quantity("Attribution rank correlation", "Spearman's ρ"),
    needs="attributions",
    sums=partial(_sums, kind="spearman"),
    dissimilarity=Dissimilarity(
        "attribution_spearman_dissimilarity", Quantity("Attribution rank decorrelation", "1 − Spearman's ρ")
    ),
    documentation=Documentation(
        definition=(
            "as `attribution_similarity`, with Spearman's rank correlation over the pixels. Pixels with equal "
            "values get the average of their ranks."
        ),
        compares="attribution maps",
        range="−1 to 1; 1 for a member with itself.",
        undefined="never. A constant map has similarity 0 with the maps of all other members and 1 with itself.",
        source="Ghorbani, Abid & Zou 2019.",
    ),
)

ATTRIBUTION_TOPK_IOU_SIMILARITY = Measure(
    name="attribution_topk_iou_similarity",
    order=120,
    quantity=Quantity("Attribution overlap", "IoU of the top 10 %"),
    needs="attributions",
    sums=partial(_sums, kind="topk_iou"),
    dissimilarity=Dissimilarity(
        "attribution_topk_iou_dissimilarity", Quantity("Attribution mismatch", "1 − IoU of the top 10 %")
    ),
    documentation=Documentation(
        definition=(
            "as `attribution_similarity`, with the intersection over union of the two sets of the k largest "
            "pixels; k is a tenth of all pixels, rounded, and at least 1. Among pixels with equal values, the "
            "first in row order are taken."
        ),
        compares="attribution maps",
        range="0 to 1; 1 for a member with itself.",
        undefined=(
            "never. A map that is zero everywhere has similarity 0 with the maps of all other members and 1 with "
            "itself."
        ),
        remarks="two unrelated maps have an expected value near 0.05, not 0.",
        source="the top-k intersection of Ghorbani, Abid & Zou 2019, divided by the union.",
    ),
)
