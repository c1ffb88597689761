"""Images of a study: where they come from, and the validation sets that all members share."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scripts.lib.datasets import fashion_mnist
from scripts.lib.datasets.image_folders import SUFFIXES, class_folders, list_pictures
from scripts.lib.datasets.pictures import TREATED, ImageFiles
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log, progress
from scripts.lib.jobs.randomness import derive
from scripts.lib.jobs.storage import (
    checksums,
    digest_of_lines,
    load_array,
    load_lines,
    require_undamaged,
    save_array,
    save_json,
    save_lines,
    save_rows,
)

DATA = Path("data")


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


# A kind of dataset is one function (folder of the split or None, is it the training split) → ImageSet.


def _fashion_mnist(folder: str | None, training: bool) -> ImageSet:
    split = "train" if training else "t10k"
    pixels, labels = fashion_mnist.read(DATA / "fashion-mnist", split)
    samples = [f"{split}/{row:05d}" for row in range(len(labels))]
    return ImageSet(ArrayImages(pixels), labels, samples, fashion_mnist.CLASSES)


def _digits(folder: str | None, training: bool) -> ImageSet:
    """scikit-learn's 8 × 8 digits; every third is a validation image, so that no writer's block is left out."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    rows = np.flatnonzero((np.arange(len(digits.target)) % 3 == 0) != training)
    pixels = (digits.images[rows] * 255 / 16).round().astype(np.uint8)
    samples = [f"digits/{row:04d}" for row in rows]
    return ImageSet(ArrayImages(pixels), digits.target[rows].astype(np.int64), samples, [str(d) for d in range(10)])


def _image_folder(folder: str | None, training: bool) -> ImageSet:
    """torchvision's ImageFolder layout: one subfolder a class, classes in alphabetical order."""
    root = Path(str(folder)).expanduser()
    if not root.is_dir():
        raise StudyError(f"the dataset folder {root} does not exist: correct `folder` under datasets in the study.")
    classes = class_folders(root)
    found = list_pictures(root, classes)
    empty = [name for name, paths in zip(classes, found, strict=True) if not paths]
    if empty or not classes:
        what = f"no pictures in {', '.join(empty[:5])}" if empty else "no class folders"
        raise StudyError(
            f"the dataset folder {root} has no images, or a class without any: {what} (pictures end in "
            f"{', '.join(SUFFIXES)})."
        )
    paths = [path for listed in found for path in listed]
    labels = np.repeat(np.arange(len(classes)), [len(listed) for listed in found])
    samples = [Path(path).relative_to(root).as_posix() for path in paths]
    return ImageSet(ImageFiles(paths, upright=True), labels, samples, classes)


def _imagenet(folder: str | None, training: bool) -> ImageSet:
    """Class folders named by WordNet id; other layouts of validation sets are read in `validation_images`."""
    from scripts.lib.datasets import imagenet

    return imagenet.read_folders(Path(str(folder)).expanduser())


KINDS: dict[str, Callable[[str | None, bool], ImageSet]] = {
    "fashion-mnist": _fashion_mnist,
    "digits": _digits,
    "image-folder": _image_folder,
    "imagenet": _imagenet,
}


def training_images(datasets: dict[str, Any]) -> ImageSet:
    """All training images of the study."""
    return KINDS[datasets["kind"]](datasets["training"]["folder"], True)


def class_names(datasets: dict[str, Any], dataset: dict[str, Any]) -> list[str]:
    """The classes of a validation set, for a study without training images."""
    if datasets["kind"] != "imagenet":
        return KINDS[datasets["kind"]](dataset["folder"], False).classes
    from scripts.lib.datasets import imagenet

    found = imagenet.read(dataset, 0).classes
    imagenet.check_complete(found, datasets["classes"], _key(dataset))
    return found


def check_training_images(
    datasets: dict[str, Any], pictures: list[str], labels: str, samples: str, classes: str, record: str
) -> None:
    """Decode every training image once, so that a bad file stops the study before training, and write the index.

    `pictures` has the fingerprints of the folders. They stand in the record, so that trainings, which have it as their
    input, start anew where pictures changed under the same names.
    """
    found = training_images(datasets)
    if datasets["kind"] == "imagenet":
        from scripts.lib.datasets import imagenet

        imagenet.check_complete(found.classes, datasets["classes"], "datasets/training/folder")
    for _ in _decoded(found.images, "check training images"):
        pass
    save_array(labels, found.labels)
    save_lines(samples, found.samples)
    save_json(classes, found.classes)
    save_json(record, {"pictures": pictures, "checksums": checksums(labels=labels, samples=samples)})


def check_samples(found: ImageSet, samples: str, record: str) -> None:
    """Raise StudyError if the training images are no longer those that were checked, whose ids `samples` lists."""
    require_undamaged(record, samples=samples)
    index = load_lines(samples)
    if found.samples != index:
        raise StudyError(
            f"the training images changed since they were checked ({len(index)} then, {len(found)} now): "
            f"delete {samples} and run again."
        )


def make_validation_set(
    datasets: dict[str, Any],
    dataset: dict[str, Any],
    seed: int,
    classes: list[str],
    images: str,
    labels: str,
    samples: str,
    scored: str,
    record: str,
) -> None:
    """Choose, resize and crop the images of one validation set and store them as every member will see them.

    `scored` gets the class names, with null for a class that does not count on this set. Raises StudyError if its
    classes are not those of the training images.
    """
    found, counting = validation_images(datasets, dataset, seed, classes)
    save_json(scored, counting)
    chosen, _ = found.subset(dataset["images"], derive(seed, "images", dataset["id"]), _key(dataset))
    size, resize = datasets["image_size"], datasets["resize"] or datasets["image_size"]
    if dataset["layout"] == "imagenet-c":
        resize = size  # its pictures are what the centre cut left
    pictures = _decoded(chosen.images, f"store {dataset['id']}", lambda image: centre(image, resize, size))
    save_rows(images, pictures, len(chosen), (size, size, 3), "uint8")
    save_array(labels, chosen.labels)
    save_lines(samples, chosen.samples)
    save_json(record, {"checksums": checksums(images=images, labels=labels, samples=samples)})


def validation_images(
    datasets: dict[str, Any], dataset: dict[str, Any], seed: int, classes: list[str]
) -> tuple[ImageSet, list[str | None]]:
    """The images of a validation set, labelled by position in `classes`, and the classes that count on it (or None)."""
    if datasets["kind"] != "imagenet":
        found = KINDS[datasets["kind"]](dataset["folder"], False)
        check_classes(found.classes, classes, dataset)
        return found, list(classes)
    from scripts.lib.datasets import imagenet

    found = imagenet.read(dataset, seed)
    if dataset["classes_of"]:
        found = imagenet.restricted(found, imagenet.class_folders(Path(dataset["classes_of"]).expanduser()))
    found, present = imagenet.aligned(found, classes, _key(dataset))
    everything = dataset["scoring"] == "full"
    return found, [name if everything or label in present else None for label, name in enumerate(classes)]


def check_classes(found: list[str], training: list[str], dataset: dict[str, Any]) -> None:
    """Labels are positions in the list of classes, so both lists must be the same."""
    if found == training:
        return
    missing = ", ".join(sorted(set(training) - set(found))) or "none"
    unknown = ", ".join(sorted(set(found) - set(training))) or "none"
    raise StudyError(
        f"{_key(dataset)} ({dataset['folder']}) has {len(found)} classes, the training images have {len(training)}. "
        f"Missing: {missing}; not in training: {unknown}. Both need the same class folders."
    )


def _key(dataset: dict[str, Any]) -> str:
    return f"datasets/validation/{dataset['id']}"


def _decoded(
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


@dataclass(frozen=True)
class ValidationSet:
    """A stored validation set: uint8 images [N, S, S, 3] (memory-mapped), int64 labels [N], and the sample ids."""

    images: np.ndarray
    labels: np.ndarray
    samples: list[str]

    @property
    def digest(self) -> str:
        return digest_of_lines(self.samples)


def load_validation_set(images: str, labels: str, samples: str, record: str) -> ValidationSet:
    """Open a stored validation set. Raises StudyError if its files are damaged or do not belong together."""
    require_undamaged(record, images=images, labels=labels, samples=samples)
    loaded = ValidationSet(load_array(images), load_array(labels), load_lines(samples))
    counts = {images: len(loaded.images), labels: len(loaded.labels), samples: len(loaded.samples)}
    if len(set(counts.values())) > 1:
        listing = ", ".join(f"{path}: {count}" for path, count in counts.items())
        raise StudyError(f"the files of a validation set have different numbers of samples ({listing}): delete them.")
    return loaded
