"""Labelled images of a split before they are stored, subsets of them, and a loop that decodes each image once."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from scripts.lib.datasets.pictures import TREATED
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log, progress


class ArrayImages(Sequence[Image.Image]):
    """Images in memory, uint8 [N, H, W] (grey) or [N, H, W, 3], returned as RGB pictures."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, row: Any) -> Any:
        return Image.fromarray(self.pixels[row]).convert("RGB")


@dataclass(frozen=True)
class ImageSet:
    """Labelled images. `labels` is int64 [N]; `samples` has one stable id per image; `classes` is in label order."""

    images: Sequence[Image.Image]
    labels: np.ndarray
    samples: list[str]
    classes: list[str]

    def __len__(self) -> int:
        return len(self.samples)

    def subset(self, count: int | None, seed: int, where: str) -> tuple["ImageSet", np.ndarray]:
        """`count` images drawn without replacement, in their original order, and their rows; None keeps all images."""
        if count is None:
            return self, np.arange(len(self))
        if count > len(self):
            raise StudyError(f"{where}: {count} images are asked for, but there are only {len(self)}.")
        rows = np.sort(np.random.default_rng(seed).permutation(len(self))[:count])
        return self.rows(rows), rows

    def rows(self, rows: np.ndarray) -> "ImageSet":
        """The images in these rows."""
        samples = [self.samples[row] for row in rows]
        return ImageSet(_Rows(self.images, rows), self.labels[rows], samples, self.classes)


class _Rows(Sequence[Image.Image]):
    def __init__(self, images: Sequence[Image.Image], rows: np.ndarray) -> None:
        self.images, self.rows = images, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: Any) -> Any:
        return self.images[int(self.rows[row])]


def each_decoded(
    images: Sequence[Image.Image], title: str, convert: Callable[[Image.Image], Any] = lambda image: None
) -> Iterator[Any]:
    """`convert` of every image in order, decoded by a few threads (Pillow releases the interpreter's lock).

    At the end it logs how many pictures needed special treatment: rotation, or scaling from 16 bits.
    """

    def decoded(row: int) -> tuple[Any, list[str]]:
        image = images[row]
        return convert(image), image.info.get(TREATED, [])

    counts: Counter[str] = Counter()
    with ThreadPoolExecutor() as pool:
        for result, treated in progress(pool.map(decoded, range(len(images))), title, "image", total=len(images)):
            counts.update(treated)
            yield result
    for what, count in counts.items():
        log.info("%s: %d of %d pictures %s", title, count, len(images), what)


def centre(image: Image.Image, resize: int, size: int) -> np.ndarray:
    """The usual evaluation view, uint8 [size, size, 3]: shorter side resized to `resize` (bilinear), centre cropped.

    Sizes are rounded as in torchvision's Resize and CenterCrop, so that published accuracies can be compared.
    """
    width, height = (resize * side // min(image.size) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return np.asarray(image.crop((left, top, left + size, top + size)))
