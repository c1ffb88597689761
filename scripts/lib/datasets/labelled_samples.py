"""A validation set without images: labels, sample ids and class names from files."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from scripts.lib.datasets.first_member import FirstMember
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log
from scripts.lib.jobs.storage import save_array, save_json, save_lines
from scripts.lib.reading.class_columns import some, stated_classes
from scripts.lib.reading.read_labels import Labels, read_labels, require_names
from scripts.lib.reading.user_tables import present, read_lines

# Standard deviations by which one count must exceed another before the difference is taken to be more than chance.
CLEARLY = 3


def make_labelled_samples(
    dataset: dict[str, Any],
    class_names: list[str] | Literal["columns"] | None,
    member: dict[str, Any],
    labels: str,
    samples: str,
    classes: str,
    record: str,
) -> None:
    """Write labels int64 [N], the list of ids and the list of class names.

    `member` is the first member: its file says which classes there are if the study does not. Raises StudyError
    naming the file and the first bad row.
    """
    path = Path(dataset["labels"]).expanduser()
    found, first = read_labels(path), FirstMember(member, dataset["id"])
    first_label = dataset.get("first_label")
    if first_label is not None and found.numbers is None:
        raise StudyError(f"first_label of validation set {dataset['id']}: the labels {path} are not numbers.")
    ids = _ids(found, dataset, first, path)
    every_column = class_names == "columns"
    names = None if isinstance(class_names, str) else class_names or stated_classes(member["classes"])
    stated = names is not None
    names = names or first.classes(found, first_label or 0, every_column)
    numbers = _numbered(found, names, first_label, path, ids)
    said_by_name = stated and set(found.texts) <= set(names)
    if found.numbers is not None and first_label is None and not said_by_name and (numbers == found.numbers).all():
        _require_no_shift(numbers, names, ids, first, path)
    _say(found, numbers, names, stated, path)
    save_json(classes, names)
    save_array(labels, numbers)
    save_lines(samples, ids)
    # Labels are names, and only the first file's columns give them an order, which may differ in other files.
    by_name = set(found.texts) <= set(names) and names != [str(number) for number in range(len(names))]
    ordered = stated or not by_name
    save_json(record, {"classes_ordered": ordered, "checksums": checksums(labels=labels, samples=samples)})


def _ids(labels: Labels, dataset: dict[str, Any], first: FirstMember, path: Path) -> list[str]:
    """Ids of the samples: those in the file of labels, those in a separate list, or the row numbers."""
    listed = read_lines(Path(dataset["samples"]).expanduser()) if dataset["samples"] else None
    if listed is not None and len(listed) != len(labels.texts):
        raise StudyError(f"{path} has {len(labels.texts)} labels, {dataset['samples']} {len(listed)} ids.")
    if listed is not None and labels.ids is not None and listed != labels.ids:
        raise StudyError(f"{path} has other ids than the list {dataset['samples']}: remove `samples`, or correct it.")
    ids = labels.ids or listed
    if ids is None:
        if first.has_ids():
            columns = f", only {', '.join(labels.columns)}" if labels.columns else ""
            raise StudyError(
                f"{path} has no ids (a column `sample` or `id`{columns}), but {first.path} has ids: which rows belong "
                "together is not known. Give the labels ids, too: a column, or a list of them as `samples`."
            )
        return [str(row) for row in range(len(labels.texts))]
    return _usable(present(ids, Path(dataset["samples"]) if labels.ids is None else path), dataset["id"], path)


def _usable(ids: list[str], dataset: str, path: Path) -> list[str]:
    if len(set(ids)) < len(ids):
        [(double, _)] = Counter(ids).most_common(1)
        raise StudyError(f"the ids of validation set {dataset} ({path}) are not unique: {double!r} is there twice.")
    for row, name in enumerate(ids, 1):
        if name.splitlines() != [name]:
            raise StudyError(f"{path}: the id {name!r} of row {row} has more than one line.")
    return ids


def _numbered(
    labels: Labels, names: Sequence[str], first_label: int | None, path: Path, ids: Sequence[str]
) -> np.ndarray:
    """Labels as positions among the classes, int64 [N]. A whole number may be a class's number, or its name."""
    place = {name: number for number, name in enumerate(names)}
    by_name = np.array([place.get(text, -1) for text in labels.texts], np.int64)
    numbers = by_name if labels.numbers is None else labels.numbers - (first_label or 0)
    fits = (numbers >= 0) & (numbers < len(names))
    if labels.numbers is not None and first_label is None and (by_name >= 0).all():
        if not fits.all():
            return by_name
        if len(differ := np.flatnonzero(by_name != numbers)):
            label = labels.texts[differ[0]]
            raise StudyError(
                f"{path}: the label {label} is the number of the class {names[int(label)]!r}, but also the name of "
                f"another. Write `first_label: 0` for this validation set if labels are the numbers of classes, or "
                "call the classes otherwise (`class_names`)."
            )
    if fits.all():
        return numbers
    if labels.numbers is None:
        require_names(labels, path)
    bad, row = (~fits).sum(), int(np.argmin(fits))
    raise StudyError(
        f"{path} has {bad} labels that are none of the {len(names)} classes ({', '.join(names[:5])}, …); the first is "
        f"{labels.texts[row]} for {ids[row]}.{_advice(labels, len(names))}"
    )


def _advice(labels: Labels, classes: int) -> str:
    if labels.numbers is None or (labels.numbers.min(), labels.numbers.max()) != (1, classes):
        return ""
    return " Labels are counted from 0; write `first_label: 1` for this validation set if these are counted from 1."


def _require_no_shift(
    numbers: np.ndarray, names: Sequence[str], ids: Sequence[str], first: FirstMember, path: Path
) -> None:
    """Raise StudyError for numbers that may be counted from 1, or that may lack a class before the first.

    All labels are in range, because the last class (or the first) has no sample: the first member's predictions decide.
    """
    low, high = numbers.min() > 0, numbers.max() < len(names) - 1
    if not low and not high:
        return
    predicted = first.predicted(ids, names)
    right, before, after = (int((predicted == numbers + shift).sum()) for shift in (0, -1, 1))
    if low and not _clearly(right, before):
        raise StudyError(
            f"{path} has no label 0, and {first.path} does not say clearly that labels are counted from 0: {right} of "
            f"{len(ids)} predictions are correct in that case, {before} if they are counted from 1. Write for "
            f"validation set {first.dataset} `first_label: 1` if they are, or `first_label: 0` if no sample is of the "
            f"class {names[0]!r}."
        )
    if high and _clearly(after, right):
        raise StudyError(
            f"{right} of {len(ids)} predictions of {first.path} are correct, but {after} if each label of {path} meant "
            f"the next class: the file seems to have a further class before the first. Name the classes of the labels "
            "by `class_names` and the outputs of the model by `classes`, or write `first_label: 0` for validation set "
            f"{first.dataset} if the labels are correct."
        )


def _clearly(more: int, less: int) -> bool:
    """Whether one count exceeds another by more than chance, as if each difference were the toss of a coin."""
    return more - less > CLEARLY * (more + less) ** 0.5


def _say(labels: Labels, numbers: np.ndarray, names: Sequence[str], stated: bool, path: Path) -> None:
    """Log how the labels were read, and what neither the files nor the study state."""
    for remark in labels.remarks:
        log.info("%s: %s", path, remark)
    if labels.numbers is not None and not stated:
        log.info("%s: labels are numbers, and 0, 1, … are the classes %s in this order", path, some(names))
    if empty := sorted(set(range(len(names))) - set(numbers.tolist())):
        shown = some([names[number] for number in empty])
        log.info("%s: %d of %d classes have no sample: %s", path, len(empty), len(names), shown)
