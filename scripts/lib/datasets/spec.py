"""What a kind of dataset is: one frozen `DatasetKind` in a module of scripts/lib/datasets/kinds, found there by name.

Rules, schema, checks and estimates read it before any job. So nothing heavy (NumPy, torch, Pillow) is imported at the
top of this module or of a kind's module; the functions of a kind import what they need to read its images.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.lib.jobs.registry import Registry

if TYPE_CHECKING:
    from scripts.lib.datasets.image_set import ImageSet

Settings = dict[str, Any]  # the section `datasets` of a resolved study, or one entry of `datasets/validation`
Labelled = tuple["ImageSet", list[str | None]]


@dataclass(frozen=True)
class Size:
    """How many images and classes there are; if `exact` is false, the most that a kind is intended for.

    The numbers decide the resources of jobs and what an estimate says, never a result.
    """

    training: int
    validation: int
    classes: int
    exact: bool = True


def _no_images(*_: Any) -> "ImageSet":
    raise ValueError("this kind of dataset has no images")


def _nothing_to_fetch(folder: str | None, destination: Path) -> None:
    raise ValueError("this kind of dataset has no raw files")


def _any_classes(classes: list[str], datasets: Settings, where: str) -> None:
    """The default of `check_complete`: any set of classes is complete."""


def _no_contradictions(dataset: Settings, where: str) -> Iterator[str]:
    return iter(())


def _is_plain(dataset: Settings) -> bool:
    return False


@dataclass(frozen=True)
class DatasetKind:
    """Everything that describes a kind of dataset. Only name, order, meaning, size and readers are required.

    name, order: the name that a study writes (`datasets/kind`), and the position in lists
    meaning: a few words for the schema and docs/config.md, shown in brackets after the name
    size: numbers of images and classes
    read_training: the section `datasets` → all training images
    read_validation: one entry of `datasets/validation` and the study's seed → all images of this set
    has_images: whether there are images at all; if not, `labelled_samples` reads labels from files
    folders: whether the user names folders of images (for training, and for each validation set); if not, neither
        split has a folder
    raw_files: paths, relative to the folder in which Snakemake runs, that must exist before images can be read
    fetch: takes the key `datasets/folder` and the folder of the raw files, and puts them there. It must verify them
        (by checksums in the code), because files that already exist are never fetched again
    label: gives images of a validation set labels that are positions among the training images' classes, and says
        which of these classes count on it (None for one that does not). Arguments: images, entry, classes, key of the
        entry for messages. Without it, a validation set must have exactly the classes of the training images
    check_complete: raises StudyError if classes are missing. Arguments: classes, section `datasets`, key for messages
    is_corrupted: whether the pictures of an entry of `datasets/validation` are stored corrupted and already cropped
    fingerprint_folders_only: whether changed pictures are detected only by the modification times of folders, because
        there are too many pictures to check each
    own_keys: keys of an entry of `datasets/validation` that have a meaning for this kind only, and their defaults
    contradictions: what is wrong with an entry. Arguments: entry, its key for messages
    """

    name: str
    order: int
    meaning: str
    size: Size
    read_training: Callable[[Settings], "ImageSet"] = _no_images
    read_validation: Callable[[Settings, int], "ImageSet"] = _no_images
    has_images: bool = True
    folders: bool = False
    raw_files: tuple[str, ...] = ()
    fetch: Callable[[str | None, Path], None] = _nothing_to_fetch
    label: Callable[["ImageSet", Settings, list[str], str], Labelled] | None = None
    check_complete: Callable[[list[str], Settings, str], None] = _any_classes
    is_corrupted: Callable[[Settings], bool] = _is_plain
    fingerprint_folders_only: bool = False
    own_keys: Mapping[str, Any] = field(default_factory=dict)
    contradictions: Callable[[Settings, str], Iterator[str]] = _no_contradictions

    def training_given(self, datasets: Settings) -> bool:
        """Whether there are training images, even if no member is trained on them."""
        return self.has_images and (not self.folders or bool(datasets["training"]["folder"]))


DATASET_KINDS: Registry[DatasetKind] = Registry("scripts.lib.datasets.kinds", DatasetKind)


def kind_of(datasets: Settings) -> DatasetKind:
    """The kind that the section `datasets` of a checked study names."""
    return DATASET_KINDS[datasets["kind"]]


def key_of(dataset: Settings) -> str:
    """The name of an entry of `datasets/validation` in messages."""
    return f"datasets/validation/{dataset['id']}"
