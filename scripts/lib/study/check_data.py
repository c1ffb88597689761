"""Report what is missing, wrong or truncated in a study's files and images.

`python -m scripts.lib.study.check_data STUDY [--full]`

Every folder is listed. A sample of the pictures of each set is decoded; with --full, every picture.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.datasets.pictures import TREATED
from scripts.lib.datasets.spec import kind_of
from scripts.lib.datasets.training_images import complete_training_images
from scripts.lib.datasets.validation_images import class_names, validation_images
from scripts.lib.jobs.errors import StudyError
from scripts.lib.study.file import read_study
from scripts.lib.study.resolve import resolve
from scripts.lib.study.user_files import check_files, named_files

SAMPLE = 200


def check(study: dict[str, Any], full: bool) -> Iterator[tuple[str, str | None]]:
    """One line per set: what was found, and what is wrong with it (None if nothing is)."""
    datasets = study["datasets"]
    if count := sum(1 for _ in named_files(study)):
        yield _named(study, count)
    kind = kind_of(datasets)
    if not kind.folders:
        if kind.has_images:
            yield f"{kind.name}: fetched and verified by the workflow", None
        return
    classes: list[str] = []

    def training() -> ImageSet:
        found = complete_training_images(datasets)
        classes.extend(found.classes)
        return found

    def first() -> ImageSet:
        """Without training images, the classes are those of the first validation set."""
        dataset = datasets["validation"][0]
        classes.extend(class_names(datasets, dataset))
        return _validation(study, dataset, classes)

    given = kind.training_given(datasets)
    own = [dataset for dataset in datasets["validation"] if "of" not in dataset]
    yield _checked("training", training, full) if given else _checked(own.pop(0)["id"], first, full)
    source = "the training images" if given else "the first validation set"
    for dataset in own:
        yield _checked(dataset["id"], partial(_validation, study, dataset, classes, source), full)


def _named(study: dict[str, Any], count: int) -> tuple[str, str | None]:
    try:
        check_files(study)
    except StudyError as error:
        return "files", str(error)
    return (
        f"files: all {count} that the study names exist (labels, predictions, weights, …); jobs check their content",
        None,
    )


def _validation(study: dict[str, Any], dataset: dict[str, Any], classes: list[str], source: str = "") -> ImageSet:
    """The images of a set. Raises StudyError if its classes are not `classes`, which are those of `source`."""
    if not classes:
        raise StudyError(f"cannot be compared with the classes of {source}: correct the faults there first.")
    found, _ = validation_images(study["datasets"], dataset, study["seed"], classes)
    if dataset["images"] and dataset["images"] > len(found):
        raise StudyError(f"has {len(found)} images, fewer than the {dataset['images']} that the study asks for.")
    return found


def _checked(title: str, read: Callable[[], ImageSet], full: bool) -> tuple[str, str | None]:
    try:
        found = read()
        decoded, treated = _decode(found, full)
    except StudyError as error:
        return title, str(error)
    counts = np.bincount(found.labels)
    counts = counts[counts > 0]
    return (
        f"{title}: {len(found)} images of {len(counts)} classes ({counts.min()} to {counts.max()} each), "
        f"{decoded} decoded" + "".join(f"; {count} {what}" for what, count in treated.items()),
        None,
    )


def _decode(images: ImageSet, full: bool) -> tuple[int, Counter[str]]:
    """Decode a sample of the pictures, or all. Returns how many, and what was done to how many of them.

    Raises StudyError naming a picture that is damaged.
    """
    count = len(images) if full else min(SAMPLE, len(images))
    rows = np.random.default_rng(0).permutation(len(images))[:count]
    treated: Counter[str] = Counter()
    with ThreadPoolExecutor() as pool:
        for done in pool.map(lambda row: images.images[int(row)].info.get(TREATED, []), rows):
            treated.update(done)
    return count, treated


def main() -> int:
    """Print the result; the exit status is 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="a study file")
    parser.add_argument("--full", action="store_true", help="decode every picture instead of a sample")
    arguments = parser.parse_args()
    try:
        study = resolve(read_study(arguments.study))
    except StudyError as error:
        print(f"Error: {error}")
        return 1
    faults = 0
    for title, fault in check(study, arguments.full):
        print(f"FAULT {title}: {fault}" if fault else f"ok    {title}", flush=True)
        faults += fault is not None
    print(f"{faults} of the sets have faults: correct them before training." if faults else "Nothing is wrong.")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
