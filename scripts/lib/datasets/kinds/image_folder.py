"""A user's own images in torchvision's ImageFolder layout: one subfolder per class, classes in alphabetical order."""

from pathlib import Path
from typing import TYPE_CHECKING

from scripts.lib.datasets.image_folders import SUFFIXES, class_folders, list_pictures
from scripts.lib.datasets.spec import DatasetKind, Settings, Size
from scripts.lib.jobs.errors import StudyError

if TYPE_CHECKING:
    from scripts.lib.datasets.image_set import ImageSet


def _read(folder: str) -> "ImageSet":
    import numpy as np

    from scripts.lib.datasets.image_set import ImageSet
    from scripts.lib.datasets.pictures import ImageFiles

    root = Path(folder).expanduser()
    if not root.is_dir():
        raise StudyError(f"the dataset folder {root} does not exist: correct `folder` under datasets in the study.")
    classes = class_folders(root)
    found = list_pictures(root, classes)
    empty = [name for name, paths in zip(classes, found, strict=True) if not paths]
    if empty or not classes:
        what = f"no pictures in {', '.join(empty[:5])}" if empty else "no class folders"
        raise StudyError(
            f"the dataset folder {root} has no images, or a class without images: {what} (pictures end in "
            f"{', '.join(SUFFIXES)})."
        )
    paths = [path for listed in found for path in listed]
    labels = np.repeat(np.arange(len(classes)), [len(listed) for listed in found])
    samples = [Path(path).relative_to(root).as_posix() for path in paths]
    return ImageSet(ImageFiles(paths, upright=True), labels, samples, classes)


def _training(datasets: Settings) -> "ImageSet":
    return _read(datasets["training"]["folder"])


def _validation(dataset: Settings, seed: int) -> "ImageSet":
    return _read(dataset["folder"])


IMAGE_FOLDER = DatasetKind(
    name="image-folder",
    order=3,
    meaning="your own images, one folder per class",
    size=Size(training=1_300_000, validation=50_000, classes=1000, exact=False),
    read_training=_training,
    read_validation=_validation,
    folders=True,
)
