"""Augmentation of supervised trainings (paper, Table iii): random crops and flips of pictures, as batches.

The pixels and the use of torch's random stream are those of torchvision's RandomResizedCrop, RandomHorizontalFlip,
ToTensor and Normalize, in this order. For small pictures, most of torchvision's time is spent between these steps.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

DEFAULT_RATIO = (3 / 4, 4 / 3)  # torchvision's
ATTEMPTS = 10  # of torchvision, before it takes a crop from the centre


class Augmentation:
    """Crops, flips and normalises as the entry of a member or super-network says."""

    def __init__(self, settings: dict[str, Any]) -> None:
        transforms = settings["transforms"]
        self.size = settings["image_size"]
        self.crop = RandomCrop(transforms["crop_scale"], transforms["crop_ratio"])
        self.flip: float = transforms["horizontal_flip"]
        self.mean, self.std = transforms["mean"], transforms["std"]

    def batch(self, pictures: Iterable[Image.Image]) -> torch.Tensor:
        """RGB pictures → float32 [B, 3, S, S], channels last in memory."""
        pixels = torch.from_numpy(np.stack([self.pixels(picture) for picture in pictures]))
        return normalised(pixels.float().div_(255), self.mean, self.std)

    def pixels(self, picture: Image.Image) -> np.ndarray:
        """A random crop of an RGB picture, perhaps flipped, uint8 [S, S, 3]."""
        box = self.crop.box(*picture.size)
        flipped = torch.rand(1).item() < self.flip
        pixels = np.asarray(picture.crop(box).resize((self.size, self.size), Image.Resampling.BILINEAR))
        return pixels[:, ::-1] if flipped else pixels


class RandomCrop:
    """Crops with a random part of the picture's area (`scale`) and a random ratio of width and height (`ratio`)."""

    def __init__(self, scale: Sequence[float], ratio: Sequence[float]) -> None:
        self.scale, self.ratio = scale, ratio
        self.log_ratio = torch.log(torch.tensor(ratio)).tolist()

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the crop in a picture of this size."""
        for _ in range(ATTEMPTS):
            area = width * height * torch.empty(1).uniform_(*self.scale).item()
            ratio = torch.empty(1).uniform_(*self.log_ratio).exp().item()
            wide, high = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < wide <= width and 0 < high <= height:
                top = int(torch.randint(0, height - high + 1, (1,)).item())
                left = int(torch.randint(0, width - wide + 1, (1,)).item())
                return left, top, left + wide, top + high
        return self._central(width, height)

    def _central(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The whole picture, less what exceeds the allowed ratios."""
        wide = min(width, round(height * max(self.ratio)))
        high = min(height, round(width / min(self.ratio)))
        left, top = (width - wide) // 2, (height - high) // 2
        return left, top, left + wide, top + high


def normalised(values: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Values float32 [B, S, S, 3] less `mean`, divided by `std`, in place; as [B, 3, S, S]."""
    return values.sub_(torch.tensor(mean)).div_(torch.tensor(std)).permute(0, 3, 1, 2)
