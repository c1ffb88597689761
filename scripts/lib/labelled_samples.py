"""A validation set without images: labels, sample ids and class names from files."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.errors import StudyError
from scripts.lib.prediction_files import are_numbered, of_dataset, read_scores, stated_classes
from scripts.lib.storage import checksums, load_lines, save_array, save_json, save_lines


def make_labelled_samples(
    dataset: dict[str, Any],
    class_names: list[str] | None,
    member: dict[str, Any],
    labels: str,
    samples: str,
    classes: str,
    record: str,
) -> None:
    """Write labels int64 [N], the list of ids and the list of class names.

    `member` is the first member: its file says which classes there are where the study does not. Raises StudyError
    naming the file and the first bad row.
    """
    path = Path(dataset["labels"]).expanduser()
    values, ids = _read_labels(path)
    if dataset["samples"]:
        ids = load_lines(Path(dataset["samples"]).expanduser())
    ids = ids or [str(row) for row in range(len(values))]
    if len(ids) != len(values):
        raise StudyError(f"{path} has {len(values)} labels, {dataset['samples']} {len(ids)} ids.")
    if len(set(ids)) < len(ids):
        [(double, _)] = Counter(ids).most_common(1)
        raise StudyError(
            f"the ids of validation set {dataset['id']} ({path}) are not unique: {double!r} is there twice."
        )
    names = class_names or _classes_of(member, dataset["id"])
    save_json(classes, names)
    save_array(labels, _numbered(values, names, path, ids))
    save_lines(samples, ids)
    save_json(record, {"checksums": checksums(labels=labels, samples=samples)})


def _read_labels(path: Path) -> tuple[np.ndarray, list[str] | None]:
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False), None
        if path.suffix not in (".csv", ".parquet"):
            raise StudyError(f"{path}: labels are read from .npy, .csv or .parquet, not from {path.suffix!r}.")
        table = pl.read_csv(path, infer_schema_length=None) if path.suffix == ".csv" else pl.read_parquet(path)
    except FileNotFoundError:
        raise StudyError(f"the file of labels {path} does not exist: correct `labels` under datasets.") from None
    except (OSError, ValueError, EOFError, pl.exceptions.PolarsError) as error:
        raise StudyError(f"the labels {path} cannot be read ({str(error).splitlines()[0]}).") from None
    if "label" not in table.columns:
        raise StudyError(f"{path} has no column `label`, only {', '.join(table.columns)}.")
    ids = table["sample"].cast(pl.String).to_list() if "sample" in table.columns else None
    return table["label"].to_numpy(), ids


def _classes_of(member: dict[str, Any], dataset: str) -> list[str]:
    """What the member's file, or the member itself, calls the classes; numbers where nothing has names."""
    file = member["file"]
    path = Path(file[dataset] if isinstance(file, dict) else of_dataset(file, dataset)).expanduser()
    scores = read_scores(path)
    names = stated_classes(member["classes"]) or scores.classes
    return names if names and not are_numbered(names) else [str(number) for number in range(scores.values.shape[1])]


def _numbered(values: np.ndarray, names: list[str], path: Path, ids: list[str]) -> np.ndarray:
    """Labels as positions among the classes."""
    if values.ndim != 1:
        raise StudyError(f"{path} holds {list(values.shape)}; wanted is one label a sample.")
    if values.dtype.kind in "OU":
        place = {name: number for number, name in enumerate(names)}
        numbers = np.array([place.get(str(value), -1) for value in values], np.int64)
    elif values.dtype.kind in "iu":
        numbers = values.astype(np.int64)
    else:
        raise StudyError(f"{path} holds {values.dtype}; labels are numbers from 0, or names of classes.")
    bad = np.flatnonzero((numbers < 0) | (numbers >= len(names)))
    if len(bad):
        known = ", ".join(names[:5])
        raise StudyError(
            f"{path} has {len(bad)} labels that are none of the {len(names)} classes ({known}, …); the first is "
            f"{values[bad[0]]} for {ids[bad[0]]}."
        )
    return numbers
