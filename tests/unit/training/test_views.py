"""DINO's views are lightly's: the same pixels, and the same numbers drawn from the same random streams."""

import numpy as np
import pytest
import torch
from PIL import Image

from scripts.lib.jobs.randomness import seed_everything
from scripts.lib.networks.vision import torchvision  # noqa: F401  # before lightly, which needs it
from scripts.lib.training.views import Views
from tests.unit.training.test_dino import small_backbone

# isort: split
from lightly.transforms import DINOTransform


@pytest.mark.parametrize("size", [(28, 28), (37, 80)])
@pytest.mark.parametrize("grey", [True, False])
def test_views_are_those_of_lightly_bit_for_bit(size: tuple[int, int], grey: bool) -> None:
    settings = small_backbone(views={"local_count": 3, "horizontal_flip": 0.4, "std": [0.5, 0.25, 0.3]})
    views, scale = settings["views"], settings["image_size"] / 224
    lightly = DINOTransform(
        global_crop_size=settings["image_size"],
        global_crop_scale=tuple(views["global_scale"]),
        local_crop_size=views["local_size"],
        local_crop_scale=tuple(views["local_scale"]),
        n_local_views=3,
        hf_prob=0.4,
        sigmas=(0.1 * scale, 2.0 * scale),  # DINO's blur is meant for pictures of 224 pixels
        normalize={"mean": views["mean"], "std": views["std"]},
    )
    pixels = np.random.default_rng(0).integers(0, 256, (40, *size, 1 if grey else 3), dtype=np.uint8)
    pictures = [Image.fromarray(np.broadcast_to(picture, (*size, 3)).copy()) for picture in pixels]
    seed_everything(7)
    expected = [torch.stack(view) for view in zip(*map(lightly, pictures), strict=True)]
    next_expected = torch.rand(1).item(), np.random.random_sample()
    seed_everything(7)
    found = Views(settings).batch(pictures)
    assert len(found) == 5
    assert all(map(torch.equal, found, expected))
    assert (torch.rand(1).item(), np.random.random_sample()) == next_expected
    assert all(view.is_contiguous(memory_format=torch.channels_last) for view in found)
