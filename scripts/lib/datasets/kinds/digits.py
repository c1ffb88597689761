"""scikit-learn's 8 × 8 digits: they come with the library, so that tests need no network access."""

from typing import TYPE_CHECKING

from scripts.lib.datasets.spec import DatasetKind, Settings, Size

if TYPE_CHECKING:
    from scripts.lib.datasets.image_set import ImageSet


def _read(training: bool) -> "ImageSet":
    """Every third image is a validation image, so that each writer's digits are in both splits."""
    import numpy as np
    from sklearn.datasets import load_digits

    from scripts.lib.datasets.image_set import ArrayImages, ImageSet

    digits = load_digits()
    rows = np.flatnonzero((np.arange(len(digits.target)) % 3 == 0) != training)
    pixels = (digits.images[rows] * 255 / 16).round().astype(np.uint8)
    samples = [f"digits/{row:04d}" for row in rows]
    return ImageSet(ArrayImages(pixels), digits.target[rows].astype(np.int64), samples, [str(d) for d in range(10)])


def _training(datasets: Settings) -> "ImageSet":
    return _read(True)


def _validation(dataset: Settings, seed: int) -> "ImageSet":
    return _read(False)


DIGITS = DatasetKind(
    name="digits",
    order=2,
    meaning="1 797 images of 8 × 8 pixels that scikit-learn contains; needs no network access",
    size=Size(training=1198, validation=599, classes=10),
    read_training=_training,
    read_validation=_validation,
)
