"""ImageNet and its relatives: class folders named by WordNet id, and the layouts of ImageNet-C and ImageNet-V2."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.lib.datasets.spec import DatasetKind, Labelled, Settings, Size

if TYPE_CHECKING:
    from scripts.lib.datasets.image_set import ImageSet


def _training(datasets: Settings) -> "ImageSet":
    from scripts.lib.datasets.imagenet import read_folders

    return read_folders(Path(datasets["training"]["folder"]).expanduser())


def _validation(dataset: Settings, seed: int) -> "ImageSet":
    from scripts.lib.datasets.imagenet import read

    return read(dataset, seed)


def _label(found: "ImageSet", dataset: Settings, classes: list[str], where: str) -> Labelled:
    """A validation set may have only some of the classes; `scoring` says whether the others count."""
    from scripts.lib.datasets.imagenet import aligned, class_folders, restricted

    if dataset["classes_of"]:
        found = restricted(found, class_folders(Path(dataset["classes_of"]).expanduser()))
    found, present = aligned(found, classes, where)
    everything = dataset["scoring"] == "full"
    return found, [name if everything or label in present else None for label, name in enumerate(classes)]


def _check_complete(classes: list[str], datasets: Settings, where: str) -> None:
    from scripts.lib.datasets.imagenet import check_complete

    check_complete(classes, datasets["classes"], where)


def _is_corrupted(dataset: Settings) -> bool:
    return dataset["layout"] == "imagenet-c"


def _contradictions(dataset: Settings, where: str) -> Iterator[str]:
    if _is_corrupted(dataset) and "corruption" not in dataset:
        yield f"{where}: the layout imagenet-c needs a `corruption`"


IMAGENET = DatasetKind(
    name="imagenet",
    order=4,
    meaning="ImageNet and its relatives, class folders named by WordNet id",
    size=Size(training=1_281_167, validation=50_000, classes=1000),
    read_training=_training,
    read_validation=_validation,
    folders=True,
    label=_label,
    check_complete=_check_complete,
    is_corrupted=_is_corrupted,
    fingerprint_folders_only=True,
    own_keys={"layout": "folders", "scoring": "subset", "classes_of": None},
    contradictions=_contradictions,
)
