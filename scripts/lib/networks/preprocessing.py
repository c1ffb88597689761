"""From stored images to what a member sees."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn


def seen(member: dict[str, Any], side: int) -> slice:
    """The rows (and columns) in the middle of a stored image of `side` pixels that the member sees; all by default."""
    size = round(member.get("crop", 1) * side)
    start = (side - size) // 2
    return slice(start, start + size)


def relative_crop(crop: float, stored: Mapping[str, Any]) -> float:
    """Converts a crop relative to the whole picture to one relative to stored images, which are already cropped."""
    left = stored["image_size"] / (stored["resize"] or stored["image_size"])
    return min(1.0, crop / left)


def prepare(pixels: np.ndarray, member: dict[str, Any], device: torch.device) -> torch.Tensor:
    """Stored uint8 images [B, S, S, 3] as the member sees them: float32 [B, 3, s, s], cropped, resized, normalised."""
    part = seen(member, pixels.shape[1])
    images = torch.from_numpy(np.array(pixels[:, part, part])).to(device).permute(0, 3, 1, 2).float() / 255
    if images.shape[-1] != member["image_size"]:
        images = resized(images, member["image_size"])
    mean, std = (torch.tensor(member["transforms"][key], device=device).view(3, 1, 1) for key in ("mean", "std"))
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


def resized(images: torch.Tensor, size: int) -> torch.Tensor:
    """Images [B, C, H, W] at another height and width, smoothed if they become smaller."""
    return nn.functional.interpolate(images, (size, size), mode="bilinear", antialias=True)
