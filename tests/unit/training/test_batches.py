"""Order of the training images."""

import numpy as np
import pytest
import torch

from scripts.lib.datasets.image_set import ArrayImages, ImageSet
from scripts.lib.training.batches import Loader, Transformed, _own_streams
from tests.unit.conftest import (
    CLASSES,
    coloured_pixels,
    coloured_training_set,
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


def test_loading_processes_of_two_ranks_have_different_streams() -> None:
    """All ranks draw the same seed for their loading processes, from the generator of the order."""
    drawn = []
    for rank, worker in ((1, 0), (1, 1), (2, 0)):
        torch.manual_seed(7)
        _own_streams(rank, worker)
        drawn.append((float(torch.rand(1)), float(np.random.rand())))
    assert len(set(drawn)) == 3


@pytest.mark.parametrize(("rank", "own"), [(0, False), (1, True)])
def test_only_the_first_process_keeps_the_streams_of_a_training_alone(
    rank: int, own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.lib.training.batches.rank", lambda: rank)
    member = small_member()
    loader = Loader(Transformed(coloured_training_set(20), member), member, 0)
    assert (loader.loader.worker_init_fn is not None) == own
