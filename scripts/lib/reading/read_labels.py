"""Reads files of labels: labels as text and, if they are whole numbers, as numbers; and the ids of the rows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading.csv_tables import IDS
from scripts.lib.reading.user_tables import ids_in, read_array, read_table, texts_of, texts_of_array

WHOLE_NUMBER = r"^-?\d+$"


@dataclass(frozen=True)
class Labels:
    """Labels of N samples as text; `numbers` int64 [N] and `ids` are None if the file has none.

    In a CSV file a name such as `3` cannot be distinguished from a number: it is both. `columns` are the names of the
    file's columns, empty for an array. `remarks` describe anything unusual in how the file was read.
    """

    texts: list[str]
    numbers: np.ndarray | None
    ids: list[str] | None = None
    columns: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def read_labels(path: Path) -> Labels:
    """Read `.npy`, `.csv` or `.parquet`. Raises StudyError if that fails, and for a row without a label."""
    if not path.exists():
        raise StudyError(f"the file of labels {path} does not exist: correct `labels` under datasets.")
    if path.suffix == ".npy":
        return _of_array(path)
    if path.suffix not in (".csv", ".parquet"):
        raise StudyError(f"{path}: labels are read from .npy, .csv or .parquet, not from {path.suffix!r}.")
    table, remarks = read_table(path, texts=None)
    if "label" not in table.columns:
        raise StudyError(f"{path} has no column `label`, only {', '.join(table.columns)}.")
    ids = ids_in({name: texts_of(table[name], path) for name in IDS if name in table.columns}, path)
    texts, numbers = _labels_of(table["label"], ids, path)
    return Labels(texts, numbers, ids, tuple(table.columns), tuple(remarks))


def _of_array(path: Path) -> Labels:
    values = read_array(path)
    if values.ndim != 1:
        raise StudyError(f"{path} holds {list(values.shape)}; expected one label per sample.")
    if not len(values):
        raise StudyError(f"{path} has no rows.")
    if values.dtype.kind not in "USiu":
        raise _neither(str(values.dtype), path)
    texts = _complete(texts_of_array(values, path), None, path)
    return Labels(texts, _whole(pl.Series(texts)) if values.dtype.kind in "iu" else None)


def _labels_of(column: pl.Series, ids: list[str] | None, path: Path) -> tuple[list[str], np.ndarray | None]:
    """Labels as text and as numbers, from a column of text (CSV), or of text or numbers (Parquet)."""
    if not column.dtype.is_integer() and column.dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Binary, pl.Null):
        raise _neither(str(column.dtype).lower(), path)
    texts = _complete(texts_of(column, path), ids, path)
    stated_text = path.suffix == ".parquet" and not column.dtype.is_integer()
    return texts, None if stated_text else _whole(pl.Series(texts))


def _whole(texts: pl.Series) -> np.ndarray | None:
    """Texts as int64 [N], if all are whole numbers."""
    if not texts.str.contains(WHOLE_NUMBER).all():
        return None
    numbers = texts.cast(pl.Int64, strict=False)
    return None if numbers.null_count() else numbers.to_numpy()


def _complete(texts: list[str | None], ids: list[str] | None, path: Path) -> list[str]:
    for row, text in enumerate(texts):
        if not text:
            raise StudyError(f"{path}: row {row + 1}{f' ({ids[row]})' if ids else ''} has no label.")
    return [str(text) for text in texts]


def _neither(kind: str, path: Path) -> StudyError:
    return StudyError(f"{path} holds {kind}; labels must be whole numbers from 0, or names of classes.")


def require_names(labels: Labels, path: Path) -> None:
    """Raise StudyError for labels that are fractions; call this only if not all of them are names of classes."""
    texts = pl.Series(labels.texts)
    if not texts.str.contains(WHOLE_NUMBER).all() and not texts.cast(pl.Float64, strict=False).null_count():
        raise _neither("float64", path)
