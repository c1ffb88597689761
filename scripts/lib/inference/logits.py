"""Logits of images, batch by batch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.lib.networks.preprocessing import prepare

BATCH = 100


def batches_of(pixels: np.ndarray, size: int = BATCH) -> Iterator[np.ndarray]:
    """The images in parts of `size`; the last one may have fewer."""
    for start in range(0, len(pixels), size):
        yield pixels[start : start + size]


def logits_in_batches(
    model: nn.Module, member: dict[str, Any], pixels: np.ndarray, device: torch.device
) -> Iterator[torch.Tensor]:
    """Logits float32 [B, C] on the CPU, batch by batch."""
    model.eval()
    for batch in batches_of(pixels):
        with torch.inference_mode():
            yield model(prepare(batch, member, device)).float().cpu()
