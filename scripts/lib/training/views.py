"""The views of a training image that DINO (Caron et al. 2021) compares: random crops with changed colours.

The pixels and the use of the random streams of torch and NumPy are those of lightly's DINOTransform with torchvision's
second transforms. For small pictures, most of their time is spent between the steps.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from scripts.lib.training.augmentation import DEFAULT_RATIO, RandomCrop, normalised

# lightly's, which are those of DINO; brightness, contrast, saturation and hue are multiplied by the strength.
JITTER_PROBABILITY = 0.8
JITTER = {"brightness": 0.8, "contrast": 0.8, "saturation": 0.4, "hue": 0.2}
STRENGTH = 0.5
GREY_PROBABILITY = 0.2
SOLARISED_FROM = 128
BLUR = (0.1, 2.0)  # range of standard deviations, in pixels of a picture of 224 pixels


@dataclass(frozen=True)
class _Kind:
    """How views of one kind differ from others; the strength of colours is that of lightly for this kind."""

    size: int
    crop: RandomCrop
    blur_probability: float
    solarise_probability: float


class Views:
    """Two global views and some local ones, as the section `views` of a backbone says."""

    def __init__(self, settings: dict[str, Any]) -> None:
        views, size = settings["views"], settings["image_size"]
        wide, narrow = (RandomCrop(views[f"{name}_scale"], DEFAULT_RATIO) for name in ("global", "local"))
        local = _Kind(views["local_size"], narrow, 0.5, 0.0)
        self.kinds = [_Kind(size, wide, 1.0, 0.0), _Kind(size, wide, 0.1, 0.2), *[local] * views["local_count"]]
        self.flip = views["horizontal_flip"]
        self.mean, self.std = views["mean"], views["std"]
        self.sigmas = [sigma * size / 224 for sigma in BLUR]

    def batch(self, pictures: Iterable[Image.Image]) -> list[torch.Tensor]:
        """RGB pictures → one batch for each view, float32 [B, 3, s, s], channels last in memory."""
        rows = [[np.asarray(self._view(picture, kind)) for kind in self.kinds] for picture in pictures]
        return [
            normalised(torch.from_numpy(np.stack(view)).float().mul_(1 / 255), self.mean, self.std)
            for view in zip(*rows, strict=True)
        ]

    def _view(self, picture: Image.Image, kind: _Kind) -> Image.Image:
        view = picture.crop(kind.crop.box(*picture.size)).resize((kind.size, kind.size), Image.Resampling.BICUBIC)
        if _happens(self.flip):
            view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        torch.rand(1)  # lightly's vertical flip, of probability 0
        np.random.random_sample()  # and its rotation
        if _happens(JITTER_PROBABILITY):
            view = _jittered(view)
        if _happens(GREY_PROBABILITY):
            view = view.convert("L").convert("RGB")
        if np.random.random_sample() < kind.blur_probability:
            view = view.filter(ImageFilter.GaussianBlur(np.random.uniform(*self.sigmas)))
        if np.random.random_sample() < kind.solarise_probability:
            view = ImageOps.solarize(view, SOLARISED_FROM)
        return view


def _happens(probability: float) -> bool:
    return torch.rand(1).item() < probability


def _jittered(view: Image.Image) -> Image.Image:
    """Brightness, contrast, saturation and hue changed by random factors, in random order."""
    order = torch.randperm(4).tolist()
    changes = [STRENGTH * change for change in JITTER.values()]
    *factors, shift = [torch.empty(1).uniform_(1 - change, 1 + change).item() for change in changes[:3]] + [
        torch.empty(1).uniform_(-changes[3], changes[3]).item()
    ]
    for step in order:
        view = _with_hue(view, shift) if step == 3 else _ENHANCERS[step](view).enhance(factors[step])
    return view


_ENHANCERS: list[Any] = [ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color]


def _with_hue(view: Image.Image, shift: float) -> Image.Image:
    """The hue moved by a part of the circle of colours."""
    hue, saturation, value = view.convert("HSV").split()
    moved = np.asarray(hue) + np.int32(shift * 255).astype(np.uint8)  # wraps around
    return Image.merge("HSV", (Image.fromarray(moved), saturation, value)).convert("RGB")
