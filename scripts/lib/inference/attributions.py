"""Attribution maps of a member on a validation set."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.inference.attribution_methods.spec import ATTRIBUTION_METHODS
from scripts.lib.inference.logits import BATCH, batches_of
from scripts.lib.jobs.job import progress
from scripts.lib.networks.architectures import Network
from scripts.lib.networks.preprocessing import prepare, resized, seen


def attribute(
    member: dict[str, Any],
    network: Network,
    validation: ValidationSet,
    logits: np.ndarray,
    settings: dict[str, Any],
    device: torch.device,
    title: str,
    scored: Sequence[int] | None = None,
) -> np.ndarray:
    """Attribution maps float16 [n, S, S] of the first n samples at the size S of the stored images.

    Absolute values are summed over the channels. Each map is scaled to maximum 1, because small gradients would vanish
    in float16; the scale does not affect any similarity measure. A map that is zero everywhere stays zero. `scored` has
    the labels of the classes that count on this set (None: all), among which a member's prediction is.
    """
    n, size = min(settings["samples"], len(validation.samples)), validation.images.shape[1]
    predicted = logits.argmax(1) if scored is None else np.array(scored)[logits[:, scored].argmax(1)]
    targets = torch.from_numpy(predicted if settings["target"] == "prediction" else np.array(validation.labels))
    method = ATTRIBUTION_METHODS[settings["method"]]
    maps = []
    batches = progress(batches_of(validation.images[:n]), title, "batch", total=-(-n // BATCH))
    for batch, target in zip(batches, targets[:n].split(BATCH), strict=True):
        images = prepare(batch, member, device).requires_grad_()
        values = method.attribute(network.model, images, target.to(device), settings["steps"])
        heat = values.detach().abs().sum(1, keepdim=True)
        maps.append(_in_frame(heat, seen(member, size), size).clamp(min=0).cpu())
    heat = torch.cat(maps)
    largest = heat.amax((1, 2), keepdim=True)
    return (heat / largest.where(largest > 0, torch.ones(()))).numpy().astype(np.float16)


def _in_frame(heat: torch.Tensor, part: slice, size: int) -> torch.Tensor:
    """Maps [B, 1, s, s] at their position in the stored image, [B, S, S]: zero outside the member's crop."""
    margins = (part.start, size - part.stop) * 2
    return nn.functional.pad(resized(heat, part.stop - part.start).squeeze(1), margins)
