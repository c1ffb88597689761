"""CSV files of users: read exactly as they are, or refused with an error that says what is wrong, and where."""

import csv
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import polars as pl

from scripts.lib.jobs.errors import StudyError, shown

IDS = ("sample", "id")
NOT_CLASSES = (*IDS, "label")
# In the order in which they are tried; the header and the first rows must agree on the number of columns.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
# Other separators, as `str.split` takes them, which the message about them names.
NO_SEPARATORS = {"|": "`|`", None: "spaces"}
ROWS_LOOKED_AT = 20
NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?", re.ASCII)
# The first bytes of files that are not text, although they are called `.csv`.
NO_TEXT = {
    b"\x1f\x8b": "is compressed by gzip: unpack it",
    b"PK\x03\x04": "is a ZIP archive or an Excel workbook: unpack it, or save the table as CSV",
}


def read_csv(path: Path, texts: Collection[str] | None) -> tuple[pl.DataFrame, list[str]]:
    """A CSV file, and remarks on how it was read. The columns named in `texts` (None means all) are text.

    The others are float64. Raises StudyError or ValueError for a file that cannot be read.
    """
    content = path.read_bytes()
    for start, what in NO_TEXT.items():
        if content.startswith(start):
            raise StudyError(f"{path} {what}.")
    if content.count(b'"') % 2:
        raise ValueError("a quotation mark that is not closed: is the file cut off?")
    separator, rows = _separated(path)
    header = rows[0]
    _require_header(rows, separator, path)
    require_different(header, path)
    numbers = [] if texts is None else [name for name in header if name not in texts]
    # If commas do not separate columns, they may be decimal commas: then all cells are read as text first.
    kinds: Any = dict.fromkeys(numbers, pl.Float64) if separator == "," else {}
    try:
        table = _parsed(path, separator, kinds)
    except pl.exceptions.ComputeError:
        _require_whole_rows(path, separator, len(header))
        _refuse_text(_parsed(path, separator), numbers, path)
        raise
    if table.columns != header:
        raise ValueError(f"its header can be read as {header[:5]} and as {table.columns[:5]}")
    # If nothing is quoted, every separator ends a cell, and counting them takes a thousandth of the time of reading.
    if b'"' in content or content.count(separator.encode()) != (len(table) + 1) * (table.width - 1):
        _require_whole_rows(path, separator, len(header))
    if separator == ",":
        return table, []
    table, said = _numbers(table, numbers, path)
    return table, [f"columns separated by {SEPARATORS[separator]}", *said]


def require_different(names: Sequence[str], path: Path) -> None:
    """Raise StudyError for two columns with the same name."""
    if len(set(names)) < len(names):
        double = next(name for place, name in enumerate(names) if name in names[:place])
        raise StudyError(f"{path} has two columns called {double!r}.")


def _parsed(path: Path, separator: str, kinds: Any = None) -> pl.DataFrame:
    return pl.read_csv(path, separator=separator, infer_schema=False, schema_overrides=kinds, glob=False)


def _separated(path: Path) -> tuple[str, list[list[str]]]:
    """The character that separates the columns of a CSV file, and the cells of its first lines."""
    likely = []
    for separator in SEPARATORS:
        with suppress(csv.Error):  # of a header that is too long for one column
            rows = _first_rows(path, separator)
            if rows and len(rows[0]) > 1:
                likely.append((separator, rows))
            if rows and len(rows[0]) > 1 and all(len(row) == len(rows[0]) for row in rows):
                return separator, rows
    if likely:
        return likely[0]
    if not (rows := _first_rows(path, ",")):
        raise ValueError("it is empty")
    return ",", rows


def _first_rows(path: Path, separator: str) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(islice((row for row in csv.reader(file, delimiter=separator) if row), 1 + ROWS_LOOKED_AT))


def _require_header(rows: Sequence[Sequence[str]], separator: str, path: Path) -> None:
    """Raise StudyError if the first line is not the names of columns that are separated as the others are."""
    header = rows[0]
    if header[0].startswith("#") and any(len(row) != len(header) for row in rows):
        raise StudyError(
            f"{path}: the first line begins with `#`. Remove it: the first line must have the names of the columns."
        )
    if len(header) == 1:
        _refuse_separators(path)
    if len(header) > 1 and not any(row[-1].strip() for row in rows) and all(len(row) == len(header) for row in rows):
        raise StudyError(f"{path}: every line ends in the separator {separator!r}, as if a column followed: remove it.")
    if not _are_names(header):
        raise StudyError(
            f"{path}: the first line holds numbers ({', '.join(map(shown, header[:3]))}, …): the header is missing. "
            "The first line must have the names of the columns: `sample`, and the names of the classes."
        )


def _refuse_separators(path: Path) -> None:
    with path.open(encoding="utf-8-sig") as file:
        lines = list(islice((line for line in file if line.strip()), 1 + ROWS_LOOKED_AT))
    for separator, title in NO_SEPARATORS.items():
        counts = {len(line.split(separator)) for line in lines}
        if len(lines) > 1 and len(counts) == 1 and counts != {1}:
            raise StudyError(
                f"{path}: the columns seem to be separated by {title}. They must be separated by commas, semicolons or "
                "tabs."
            )


def _are_names(header: Sequence[str]) -> bool:
    """Whether these can be names of columns; not if all, or all but one for an id, are numbers of which some are no
    whole numbers or occur twice."""
    numbers = [float(name.replace(",", ".")) for name in map(str.strip, header) if NUMBER.fullmatch(name)]
    if not numbers or len(numbers) < len(header) - 1 or set(NOT_CLASSES) & set(header):
        return True
    return len(set(numbers)) == len(numbers) and all(number >= 0 and number.is_integer() for number in numbers)


def _require_whole_rows(path: Path, separator: str, columns: int) -> None:
    """Raise ValueError for a row with fewer cells than the header, which polars would fill with nulls, or with more."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter=separator)):
            if row and len(row) != columns:
                hint = ": is the file cut off?" if len(row) < columns else ""
                raise ValueError(f"row {number} has {len(row)} cells for {columns} columns{hint}")


def _numbers(table: pl.DataFrame, names: Sequence[str], path: Path) -> tuple[pl.DataFrame, list[str]]:
    """Columns of text as float64, with either decimal points or decimal commas."""
    commas, points = (any(table[name].str.contains(mark, literal=True).any() for name in names) for mark in (",", "."))
    if commas and points:
        raise ValueError("its numbers have decimal commas and points")
    text = pl.col(names)
    with_points = table.with_columns(text.str.replace(",", ".", literal=True)) if commas else table
    try:
        return with_points.with_columns(text.cast(pl.Float64)), ["decimal commas"] if commas else []
    except pl.exceptions.InvalidOperationError:
        _refuse_text(with_points, names, path)
        raise


def _refuse_text(table: pl.DataFrame, names: Sequence[str], path: Path) -> None:
    """Raise StudyError for the first cell that is not a number, in the columns `names` of a table of text."""
    wrong = {name: table[name].is_not_null() & table[name].cast(pl.Float64, strict=False).is_null() for name in names}
    first = {name: int(rows.arg_max() or 0) for name, rows in wrong.items() if rows.any()}
    if not first:
        return
    name = min(first, key=lambda name: first[name])
    row, cell = first[name], table[name][first[name]]
    if cell.strip().endswith("%"):
        hint = "Write fractions of 1 without a percent sign."
    elif NUMBER.fullmatch(cell.strip()) and "," in cell:
        hint = "Decimal commas can be read only if semicolons or tabs separate the columns."
    elif wrong[name].all():
        _refuse_column(table[name], len(names), not set(IDS) & set(table.columns), path)
    else:
        hint = "Each cell of a class must be a number."
    ids = next((f" ({table[column][row]})" for column in IDS if column in table.columns), "")
    raise StudyError(f"{path}: row {row + 1}{ids} has {shown(cell)} in the column {name!r}. {hint}")


def _refuse_column(column: pl.Series, columns: int, may_be_ids: bool, path: Path) -> NoReturn:
    """Raise StudyError for a column that has no numbers at all; `columns` is the number of columns of scores."""
    example = f"such as {shown(column[0])}"
    if columns == 1:
        raise StudyError(
            f"{path} holds classes ({example}) in the column {column.name!r}, but one column per class is needed. Give "
            "a hard vote as 1 in the column of its class and 0 in the others."
        )
    ids = " Name it `sample` if it holds the ids." if may_be_ids else ""
    raise StudyError(
        f"{path}: the column {column.name!r} has text ({example}) instead of numbers.{ids} Remove it if it is not a "
        "class."
    )
