"""How different the members of a group are on images that they were trained on, and on others."""

from collections.abc import Sequence

import numpy as np
import torch

from scripts.lib.training.group_outputs import GroupMember, speak
from scripts.lib.training.losses.spec import LOSS_TERMS, Axis, Outputs

# Maps need a backward pass each; the other terms need only the pass itself.
IMAGES, IMAGES_WITH_MAPS, MOST_AT_ONCE = 500, 100, 100


def spread(images: int) -> np.ndarray:
    """The rows of up to 500 images, evenly spread: folders of images are sorted by class."""
    return np.unique(np.linspace(0, images - 1, min(IMAGES, images)).round().astype(np.int64))


def penalties(
    members: Sequence[GroupMember], pixels: np.ndarray, labels: np.ndarray, device: torch.device, at_once: int
) -> dict[str, float]:
    """Every term that a loss can have, by name, on images uint8 [N, S, S, 3]; networks are left in eval mode.

    At most `at_once` images are computed at once, as in the training. Diversity that exists on the training images only
    is no use to the ensemble, so both are recorded.
    """
    for member in members:
        member.network.model.eval()
    step = min(at_once, MOST_AT_ONCE)
    with torch.no_grad():
        plain = _said(members, pixels, labels, set(), device, step)
    some = slice(None, None, max(1, -(-len(pixels) // IMAGES_WITH_MAPS)))
    mapped = _said(members, pixels[some], labels[some], {"attributions"}, device, step)
    return {
        name: term.value(mapped if term.axis == "attributions" else plain).item() for name, term in LOSS_TERMS.items()
    }


def _said(
    members: Sequence[GroupMember],
    pixels: np.ndarray,
    labels: np.ndarray,
    axes: set[Axis],
    device: torch.device,
    step: int,
) -> Outputs:
    parts = []
    for start in range(0, len(pixels), step):
        rows = slice(start, start + step)
        images = torch.from_numpy(np.array(pixels[rows])).to(device).permute(0, 3, 1, 2).float() / 255
        answers = torch.from_numpy(np.array(labels[rows])).to(device)
        found = speak(members, images, answers, axes, [0] * len(members), training=False)
        parts.append(_detached(found))
    return _joined(parts)


def _detached(outputs: Outputs) -> Outputs:
    maps = None if outputs.maps is None else outputs.maps.detach().cpu()
    activations = [member.detach().cpu() for member in outputs.activations]
    return Outputs(outputs.logits.detach().cpu(), outputs.labels.cpu(), activations, maps)


def _joined(parts: Sequence[Outputs]) -> Outputs:
    maps = [part.maps for part in parts if part.maps is not None]
    activations = [torch.cat(of_member) for of_member in zip(*(part.activations for part in parts), strict=True)]
    return Outputs(
        torch.cat([part.logits for part in parts], 1),
        torch.cat([part.labels for part in parts]),
        activations,
        torch.cat(maps, 1) if maps else None,
    )
