"""Order of the training images."""

import numpy as np

from scripts.lib.datasets.image_set import ArrayImages, ImageSet
from scripts.lib.training.batches import Loader, Transformed
from tests.unit.conftest import (
    CLASSES,
    coloured_pixels,
    small_member,
)


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
