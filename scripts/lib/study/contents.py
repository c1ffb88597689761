"""What the validation sets of a study hold, before it runs: numbers of samples, and the classes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.lib.datasets.image_folders import class_folders, list_pictures
from scripts.lib.datasets.labelled_samples import make_labelled_samples
from scripts.lib.datasets.spec import kind_of
from scripts.lib.jobs.storage import load_json, load_lines
from scripts.lib.members.spec import kind_of as kind_of_member
from scripts.lib.reading.align_predictions import ids_of, logits_of_file
from scripts.lib.study.user_files import check_files


@dataclass(frozen=True)
class Contents:
    """Number of samples of each validation set by its id, and names of the classes; empty if they are not known.

    `first_files` has, for each validation set, what was recorded about the first member's file of predictions.
    """

    samples: dict[str, int]
    classes: list[str]
    first_files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def contents_of(study: dict[str, Any]) -> Contents:
    """Contents of the validation sets of a resolved study.

    For files of predictions, all labels and the first member's files are read, as the jobs do. Raises StudyError if
    these do not fit together, or if a file that the study names cannot be used.
    """
    check_files(study)
    if not kind_of(study["datasets"]).has_images:
        return _of_labels(study)
    return _of_images(study)


def _of_images(study: dict[str, Any]) -> Contents:
    datasets = study["datasets"]
    folder = datasets["validation"][0]["folder"]
    named = kind_of(datasets).name == "image-folder" and folder
    return Contents(image_counts(datasets), class_folders(Path(folder).expanduser()) if named else [])


def image_counts(datasets: dict[str, Any]) -> dict[str, int]:
    """Number of images of each validation set; if the study does not say how many: all, if their number is known."""
    size = kind_of(datasets).size
    known = size.validation if size.exact else 0
    originals = [dataset for dataset in datasets["validation"] if "of" not in dataset]
    found = {d["id"]: d["images"] or files_in(d["folder"]) or known for d in originals}
    return {d["id"]: found[d.get("of", d["id"])] for d in datasets["validation"]}


def files_in(folder: str | None) -> int:
    """Number of pictures in the class folders of an image folder, if it exists."""
    root = Path(folder or "").expanduser()
    return sum(map(len, list_pictures(root, class_folders(root)))) if folder and root.is_dir() else 0


def _of_labels(study: dict[str, Any]) -> Contents:
    samples, classes, first_files = {}, [], {}
    member = study["members"][0]
    for dataset in study["datasets"]["validation"]:
        with TemporaryDirectory() as folder:
            names = ("labels.npy", "samples.txt", "classes.json", "record.json")
            paths = [str(Path(folder, name)) for name in names]
            make_labelled_samples(dataset, study["datasets"]["class_names"], member, *paths)
            ids, classes = load_lines(paths[1]), load_json(paths[2])
        file = kind_of_member(member).file(member, dataset["id"])
        rows = ids_of(member, dataset["id"])
        first_files[dataset["id"]] = logits_of_file(str(file), member, dataset["id"], ids, classes, rows)[1]
        samples[dataset["id"]] = len(ids)
    return Contents(samples, classes, first_files)
