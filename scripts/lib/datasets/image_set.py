"""Labelled images of a split, before they are stored; parts of them; and every image decoded once, in order."""

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
    """Images in memory, uint8 [N, H, W] (grey) or [N, H, W, 3], given out as RGB pictures."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, row: Any) -> Any:
        return Image.fromarray(self.pixels[row]).convert("RGB")


@dataclass(frozen=True)
class ImageSet:
    """Labelled images. `labels` is int64 [N]; `samples` has one stable id an image; `classes` is in label order."""

    images: Sequence[Image.Image]
    labels: np.ndarray
    samples: list[str]
    classes: list[str]

    def __len__(self) -> int:
        return len(self.samples)

    def subset(self, count: int | None, seed: int, where: str) -> tuple["ImageSet", np.ndarray]:
        """`count` images drawn without replacement, in their original order, and their rows; None keeps all."""
        if count is None:
            return self, np.arange(len(self))
        if count > len(self):
            raise StudyError(f"{where}: {count} images are wanted, but there are only {len(self)}.")
        rows = np.sort(np.random.default_rng(seed).permutation(len(self))[:count])
        return self.rows(rows), rows

    def rows(self, rows: np.ndarray) -> "ImageSet":
        """The images of these rows."""
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

    At the end it says how many pictures were not simply read: turned, or scaled from 16 bits.
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
    """The usual evaluation view, uint8 [size, size, 3]: shorter side to `resize` (bilinear), centre cut out.

    Rounded as torchvision's Resize and CenterCrop do, so that published accuracies can be compared.
    """
    width, height = (resize * side // min(image.size) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return np.asarray(image.crop((left, top, left + size, top + size)))
