"""Images become RGB, are cut as torchvision cuts them, and parts of them keep their order."""

import numpy as np
import pytest
from PIL import Image

from scripts.lib.datasets.image_set import ArrayImages, centre
from scripts.lib.jobs.errors import StudyError
from scripts.lib.networks.vision import torchvision
from tests.unit.conftest import coloured_training_set


def random_picture(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


# One picture.


def test_grey_pixels_become_three_equal_channels() -> None:
    grey = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    picture = ArrayImages(grey)[0]
    assert picture.mode == "RGB"
    assert (np.asarray(picture) == grey[0][:, :, None]).all()


def test_coloured_pixels_stay_as_they_are() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    images = ArrayImages(pixels)
    assert len(images) == 2
    assert (np.asarray(images[1]) == pixels[1]).all()


# The view of every validation image.


@pytest.mark.parametrize("size", [(90, 50), (50, 90), (64, 64), (20, 13), (33, 32), (301, 32), (65, 64)])
@pytest.mark.parametrize(("resize", "crop"), [(48, 32), (32, 32)])
def test_the_centre_is_that_of_torchvision(size: tuple[int, int], resize: int, crop: int) -> None:
    picture = random_picture(*size)
    transforms = torchvision.transforms
    expected = transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(crop)])(picture)
    found = centre(picture, resize, crop)
    assert found.shape == (crop, crop, 3)
    assert found.dtype == np.uint8
    assert (found == np.asarray(expected)).all()


# A subset.


def test_a_subset_is_a_function_of_its_seed_and_keeps_the_order() -> None:
    images = coloured_training_set(30)
    chosen, rows = images.subset(12, 5, "here")
    again, _ = images.subset(12, 5, "here")
    other, _ = images.subset(12, 6, "here")
    assert len(chosen) == 12
    assert (np.diff(rows) > 0).all()
    assert chosen.samples == again.samples != other.samples
    assert chosen.samples == [f"training/{row}" for row in rows]
    assert (chosen.labels == images.labels[rows]).all()
    for place, row in enumerate(rows):
        assert (np.asarray(chosen.images[place]) == np.asarray(images.images[row])).all()


def test_a_subset_without_a_count_is_everything() -> None:
    chosen, rows = coloured_training_set(7).subset(None, 0, "here")
    assert len(chosen) == 7
    assert rows.tolist() == list(range(7))


def test_a_subset_of_more_than_there_is_names_the_key() -> None:
    with pytest.raises(StudyError, match="members/a/training_images: 8 images are asked for, but there are only 7"):
        coloured_training_set(7).subset(8, 0, "members/a/training_images")
