"""ImageNet and its relatives. A class is a WordNet id; its label is its position in timm's list of the 1000 classes."""

from pathlib import Path
from typing import Any

import numpy as np

from scripts.lib.datasets import image_folders
from scripts.lib.datasets.corruptions import FAMILIES, deal
from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.datasets.pictures import ImageFiles
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.randomness import derive

PICTURES = (".jpeg", ".jpg", ".png")
SEVERITIES = [1, 2, 3, 4, 5]


def synsets() -> list[str]:
    """The WordNet ids of ImageNet's 1000 classes in the order of their labels."""
    from scripts.lib.networks.vision import timm

    return timm.data.ImageNetInfo("imagenet-1k").label_names()


def class_folders(root: Path) -> list[str]:
    """The names of the class folders below `root`, in the order of labels; all are WordNet ids of ImageNet.

    Raises StudyError naming folders that are not classes of ImageNet.
    """
    if not root.is_dir():
        raise StudyError(f"the dataset folder {root} does not exist: correct `folder` under datasets in the study.")
    found = {name for name in image_folders.class_folders(root) if not name.startswith(".")}
    known = synsets()
    if unknown := sorted(found.difference(known)):
        raise StudyError(
            f"{root} has {len(unknown)} folders that are not classes of ImageNet; the first is {unknown[0]}. Class "
            "folders are named by WordNet id, such as n01440764."
        )
    if not found:
        raise StudyError(f"{root} has no class folders; they are named by WordNet id, such as n01440764.")
    return [name for name in known if name in found]


def pictures(root: Path, folders: list[str]) -> list[list[Path]]:
    """The pictures of each class folder, in the order of the folders' names. Raises StudyError if a folder has none."""
    found = image_folders.list_pictures(root, folders, PICTURES, deep=False)
    for folder, paths in zip(folders, found, strict=True):
        if not paths:
            raise StudyError(
                f"the class folder {root / folder} has no pictures (.JPEG, .jpg or .png): complete or remove it."
            )
    return [[Path(path) for path in paths] for paths in found]


def read_folders(root: Path) -> ImageSet:
    """One folder per class, named by WordNet id: ImageNet (train and val), ImageNet-A, -R and -Sketch."""
    classes = class_folders(root)
    return _image_set(root, pictures(root, classes), classes)


def read_v2(root: Path) -> ImageSet:
    """ImageNet-V2: folders are named by the label's number, "0" to "999"; alphabetical order would mix them up."""
    if not root.is_dir():
        raise StudyError(f"the dataset folder {root} does not exist: correct `folder` under datasets in the study.")
    known = synsets()
    names = [name for name in image_folders.class_folders(root) if name.isdecimal()]
    numbers = sorted(map(int, names))
    if not numbers or numbers[-1] >= len(known):
        raise StudyError(f"{root} is not an ImageNet-V2 folder: its class folders must be named 0 to {len(known) - 1}.")
    if wrong := [name for name in names if name != str(int(name))]:
        raise StudyError(f"{root / wrong[0]} is not a class folder of ImageNet-V2: rename it to {int(wrong[0])}.")
    return _image_set(root, pictures(root, [str(number) for number in numbers]), [known[number] for number in numbers])


def read_corrupted(root: Path, corruption: str, severity: int | None, seed: int) -> ImageSet:
    """ImageNet-C: root/corruption/severity/class/picture. Every picture is taken once, from one randomly chosen folder.

    `corruption` is a family or one corruption; severity None uses all five. A sample id ends in
    `@corruption-severity`, so that results can be separated later. Raises StudyError naming a missing folder.
    """
    names = FAMILIES.get(corruption, [corruption])
    variants = [f"{name}/{level}" for name in names for level in (SEVERITIES if severity is None else [severity])]
    for variant in variants:
        if not (root / variant).is_dir():
            raise StudyError(
                f"{root / variant} is missing: ImageNet-C has a folder for each corruption and in it one for each "
                "severity. Complete it, or name another corruption or severity in the study."
            )
    listing = {variant: class_folders(root / variant) for variant in variants}
    for variant, found in listing.items():
        if found != listing[variants[0]]:
            differing = sorted(set(found) ^ set(listing[variants[0]]))
            raise StudyError(
                f"{root / variant} and {root / variants[0]} differ in the class {differing[0]}: complete them."
            )
    classes = listing[variants[0]]
    originals = pictures(root / variants[0], classes)
    count = sum(map(len, originals))
    dealt = iter(deal(variants, count, derive(seed, "deal", corruption)))
    chosen = [[root / next(dealt) / path.parent.name / path.name for path in paths] for paths in originals]
    return _image_set(root, chosen, classes, _corrupted_sample)


def _corrupted_sample(root: Path, path: Path) -> str:
    name, severity, *rest = path.relative_to(root).parts
    return f"{'/'.join(rest)}@{name}-{severity}"


def _plain_sample(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _image_set(root: Path, paths: list[list[Path]], classes: list[str], sample: Any = _plain_sample) -> ImageSet:
    labels = np.repeat(np.arange(len(classes)), [len(found) for found in paths])
    files = [path for found in paths for path in found]
    return ImageSet(ImageFiles([str(p) for p in files]), labels, [sample(root, path) for path in files], classes)


def read(dataset: dict[str, Any], seed: int) -> ImageSet:
    """The pictures of one validation set in the layout that the study names."""
    root = Path(dataset["folder"]).expanduser()
    if dataset["layout"] == "imagenet-c":
        return read_corrupted(root, dataset["corruption"], dataset.get("severity"), seed)
    return read_v2(root) if dataset["layout"] == "imagenet-v2" else read_folders(root)


def restricted(images: ImageSet, classes: list[str]) -> ImageSet:
    """The images of some classes only, such as the clean images of ImageNet-A's 200 classes."""
    wanted = [position for position, name in enumerate(images.classes) if name in set(classes)]
    rows = np.flatnonzero(np.isin(images.labels, wanted))
    return images.rows(rows)


def aligned(images: ImageSet, classes: list[str], where: str) -> tuple[ImageSet, list[int]]:
    """`images` with labels that are positions in `classes`, and the positions of the classes that occur.

    Raises StudyError for a class that the members are not trained on.
    """
    if unknown := [name for name in images.classes if name not in classes]:
        raise StudyError(
            f"{where}: {len(unknown)} of its {len(images.classes)} classes are not among the {len(classes)} classes of "
            f"the training images; the first is {unknown[0]}."
        )
    position = np.array([classes.index(name) for name in images.classes])
    labels = position[images.labels]
    return ImageSet(images.images, labels, images.samples, classes), np.unique(labels).tolist()


def check_complete(classes: list[str], expected: int | None, where: str) -> None:
    """Raise StudyError if some of ImageNet's classes are missing, or if there are not as many as the study says."""
    wanted = expected or len(synsets())
    if len(classes) != wanted:
        missing = [name for name in synsets() if name not in classes]
        raise StudyError(
            f"{where} has {len(classes)} of {wanted} class folders; the first missing one is {missing[0]}. Complete "
            "it, or set datasets/classes to the number of classes of a smaller ImageNet."
        )
