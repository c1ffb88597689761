"""Augmentation and order of the training images."""

import numpy as np
import torch

from scripts.lib.datasets.image_set import ArrayImages, ImageSet
from scripts.lib.training.batches import Loader, Transformed, training_transforms
from tests.unit.conftest import (
    CLASSES,
    coloured_pixels,
    small_member,
)


def test_a_training_image_is_cropped_and_normalised_as_the_study_says() -> None:
    member = small_member(
        transforms={"crop_scale": [1.0, 1.0], "crop_ratio": [1.0, 1.0], "horizontal_flip": 1, "std": [0.5, 0.5, 0.25]}
    )
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    found = training_transforms(member)(ArrayImages(pixels)[0])
    mirrored = pixels[0, :, ::-1].astype(np.float32) / 255
    expected = (mirrored - [0.485, 0.456, 0.406]) / [0.5, 0.5, 0.25]
    assert found.dtype == torch.float32
    assert np.allclose(found.permute(1, 2, 0).numpy(), expected, atol=1e-5)


# Within an epoch.


def order_of_labels(seed: int, epoch: int) -> list[int]:
    """Each image has a label of its own, so that labels tell the order."""
    pixels, _ = coloured_pixels(40)
    images = ImageSet(ArrayImages(pixels), np.arange(40), list(map(str, range(40))), CLASSES)
    member = small_member(seed=seed)
    batches = Loader(Transformed(images, member), member, workers=0).epoch(epoch)
    return [label for _, labels in batches for label in labels.tolist()]


def test_the_order_of_the_images_belongs_to_the_seed_and_the_epoch() -> None:
    order = order_of_labels(seed=1, epoch=0)
    assert len(set(order)) == 32  # two whole batches of 16, each image once
    assert order != sorted(order)
    assert order_of_labels(seed=1, epoch=0) == order
    assert order_of_labels(seed=1, epoch=1) != order
    assert order_of_labels(seed=2, epoch=0) != order
