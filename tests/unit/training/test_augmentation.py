"""Augmentation is torchvision's: the same pixels, and the same numbers drawn from the same random stream."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from scripts.lib.networks.vision import torchvision
from scripts.lib.training.augmentation import Augmentation, RandomCrop
from tests.unit.conftest import small_member


def pictures(height: int, width: int, count: int = 20) -> list[Image.Image]:
    pixels = np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    return [Image.fromarray(picture) for picture in pixels]


def by_torchvision(member: dict[str, Any]) -> Any:
    """The augmentation of the paper's Table iii, as a user of torchvision writes it."""
    settings, transforms = member["transforms"], torchvision.transforms
    return transforms.Compose(
        [
            transforms.RandomResizedCrop(
                member["image_size"], tuple(settings["crop_scale"]), tuple(settings["crop_ratio"])
            ),
            transforms.RandomHorizontalFlip(settings["horizontal_flip"]),
            transforms.ToTensor(),
            transforms.Normalize(settings["mean"], settings["std"]),
        ]
    )


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (37, 80), (90, 41)])
@pytest.mark.parametrize("scale", [[0.08, 1.0], [0.8, 1.0], [1.0, 1.0]])
def test_batches_are_those_of_torchvision_bit_for_bit(size: tuple[int, int], scale: list[float]) -> None:
    member = small_member(transforms={"crop_scale": scale})
    seen = pictures(*size)
    torch.manual_seed(5)
    expected = torch.stack([by_torchvision(member)(picture) for picture in seen])
    next_expected = torch.rand(1)
    torch.manual_seed(5)
    found = Augmentation(member).batch(seen)
    assert torch.equal(found, expected)
    assert torch.equal(torch.rand(1), next_expected)
    assert found.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("width", "height"), [(28, 28), (500, 375), (1, 40), (40, 1), (3, 2)])
@pytest.mark.parametrize("ratio", [(3 / 4, 4 / 3), (1.0, 1.0), (0.2, 0.3), (4.0, 9.0)])
def test_crops_are_those_of_torchvision(width: int, height: int, ratio: tuple[float, float]) -> None:
    picture, scale = Image.new("RGB", (width, height)), (0.5, 1.0)
    torch.manual_seed(1)
    expected = []
    for _ in range(50):
        top, left, high, wide = torchvision.transforms.RandomResizedCrop.get_params(picture, list(scale), list(ratio))
        expected.append((left, top, left + wide, top + high))
    next_expected = torch.rand(1)
    torch.manual_seed(1)
    crop = RandomCrop(scale, ratio)
    assert [crop.box(width, height) for _ in range(50)] == expected
    assert torch.equal(torch.rand(1), next_expected)


def test_a_training_image_is_cropped_and_normalised_as_the_study_says() -> None:
    member = small_member(
        transforms={"crop_scale": [1.0, 1.0], "crop_ratio": [1.0, 1.0], "horizontal_flip": 1, "std": [0.5, 0.5, 0.25]}
    )
    [picture] = pictures(32, 32, count=1)
    [found] = Augmentation(member).batch([picture])
    mirrored = np.asarray(picture)[:, ::-1].astype(np.float32) / 255
    expected = (mirrored - [0.485, 0.456, 0.406]) / [0.5, 0.5, 0.25]
    assert found.dtype == torch.float32
    assert np.allclose(found.permute(1, 2, 0).numpy(), expected, atol=1e-5)
