"""Reads files of predictions: values, ids of the rows, and names of the columns."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading.csv_tables import IDS, NOT_CLASSES, require_different
from scripts.lib.reading.user_tables import (
    ROW_NUMBERS,
    Archive,
    ids_in,
    read_array,
    read_table,
    readable,
    texts_of,
    texts_of_array,
)

# Names that an array of scores may have in an .npz file; a file with a single array may call it anything.
SCORES = ("predictions", "logits", "probabilities")
IDS_OF_ARRAYS = (*IDS, "samples", "ids")


@dataclass(frozen=True)
class Scores:
    """The content of a file: values float [N, C], ids of the rows and names of the columns (None if it has none).

    `remarks` describe anything unusual in how it was read.
    """

    values: np.ndarray
    samples: list[str] | None = None
    classes: list[str] | None = None
    remarks: tuple[str, ...] = ()


def read_scores(path: str | Path) -> Scores:
    """Read `.npy`, `.npz`, `.csv` or `.parquet`. Nothing is unpickled. Raises StudyError if that fails."""
    path = Path(path)
    if path.suffix not in READERS:
        raise StudyError(f"{path}: predictions are read from {', '.join(READERS)}, not from {path.suffix!r}.")
    scores = READERS[path.suffix](path)
    shape = list(scores.values.shape)
    if scores.values.ndim != 2 or scores.values.dtype.kind not in "fiu":
        raise StudyError(f"{path} holds {scores.values.dtype} {shape}; expected numbers [samples, classes].")
    if not shape[0]:
        raise StudyError(f"{path} has no rows.")
    for what, names, count in (("ids", scores.samples, 0), ("class names", scores.classes, 1)):
        if names is not None and len(names) != shape[count]:
            raise StudyError(f"{path} has {len(names)} {what} for values of shape {shape}.")
    _require_names(scores.classes or [], path)
    return scores


def _require_names(classes: list[str], path: Path) -> None:
    """Raise StudyError for a column without a name, and for two columns with the same name."""
    for place, name in enumerate(classes, 1):
        if name.strip() in ROW_NUMBERS:
            what = f"is called {name!r}" if name.strip() else "has no name"
            raise StudyError(
                f"{path}: column {place} of the scores {what}. It seems to be the row number that pandas adds: remove "
                "it (`to_csv(…, index=False)`), or name the column `sample` if it holds the sample ids."
            )
    require_different(classes, path)


def _of_array(path: Path) -> Scores:
    return Scores(read_array(path))


def _of_archive(path: Path) -> Scores:
    with readable(path), Archive(path) as file:
        names = [name for name in file.dimensions if name in SCORES]
        names = names or [name for name, dimensions in file.dimensions.items() if dimensions == 2]
        if len(names) != 1:
            found = ", ".join(file.dimensions) or "none"
            raise ValueError(f"expected one array of {', '.join(SCORES)}, but it has {found}")
        ids = {name: texts_of_array(file[name], path) for name in IDS_OF_ARRAYS if name in file.dimensions}
        classes = (
            [name or "" for name in texts_of_array(file["classes"], path)] if "classes" in file.dimensions else None
        )
        values = file[names[0]]
        if not ids and values.ndim:
            _require_no_texts(file, len(values), path)
        return Scores(values, ids_in(ids, path), classes)


def _require_no_texts(file: Archive, rows: int, path: Path) -> None:
    """Raise StudyError for an array of unique texts, one per row, because these are probably the ids."""
    known = {*SCORES, *IDS_OF_ARRAYS, "classes", "label", "labels"}
    for name in (name for name, dimensions in file.dimensions.items() if dimensions == 1 and name not in known):
        texts: list[str] = []
        with suppress(ValueError):  # of objects, which are not loaded
            texts = file[name].tolist() if file[name].dtype.kind in "US" else []
        if texts and len(texts) == len(set(texts)) == rows:
            raise StudyError(
                f"{path} has no ids (array `sample`), but a text for each row in `{name}`: rename it to `sample` if "
                "these are the ids, or remove it if the rows are in the order of the validation set."
            )


def _of_table(path: Path) -> Scores:
    table, remarks = read_table(path, NOT_CLASSES)
    ids = ids_in({name: texts_of(table[name], path) for name in IDS if name in table.columns}, path)
    scores = table.drop(*NOT_CLASSES, strict=False)
    if wrong := [name for name, kind in scores.schema.items() if not kind.is_numeric()]:
        raise StudyError(f"{path} cannot be read: the column {wrong[0]!r} does not hold numbers.")
    values = scores.cast(pl.Float64).fill_null(float("nan")).to_numpy() if scores.width else np.empty((len(table), 0))
    return Scores(values, ids, scores.columns, tuple(remarks))


READERS: dict[str, Callable[[Path], Scores]] = {
    ".npy": _of_array,
    ".npz": _of_archive,
    ".csv": _of_table,
    ".parquet": _of_table,
}
