"""Fashion-MNIST (Xiao et al. 2017): 28 × 28 pixels, fetched and verified by the workflow."""

from pathlib import Path
from typing import TYPE_CHECKING

from scripts.lib.datasets.spec import DatasetKind, Settings, Size

if TYPE_CHECKING:
    from scripts.lib.datasets.image_set import ImageSet

FOLDER = Path("data", "fashion-mnist")


def _fetch(folder: str | None, destination: Path) -> None:
    from scripts.lib.datasets.fashion_mnist import fetch

    fetch(folder, destination)


def _read(split: str) -> "ImageSet":
    from scripts.lib.datasets.fashion_mnist import CLASSES, read
    from scripts.lib.datasets.image_set import ArrayImages, ImageSet

    pixels, labels = read(FOLDER, split)
    return ImageSet(ArrayImages(pixels), labels, [f"{split}/{row:05d}" for row in range(len(labels))], CLASSES)


def _training(datasets: Settings) -> "ImageSet":
    return _read("train")


def _validation(dataset: Settings, seed: int) -> "ImageSet":
    return _read("t10k")


FASHION_MNIST = DatasetKind(
    name="fashion-mnist",
    order=1,
    meaning="70 000 images of clothes, found or downloaded",
    size=Size(training=60_000, validation=10_000, classes=10),
    read_training=_training,
    read_validation=_validation,
    raw_files=tuple(
        f"{FOLDER}/{split}-{content}-ubyte.gz"
        for split in ("train", "t10k")
        for content in ("images-idx3", "labels-idx1")
    ),
    fetch=_fetch,
)
