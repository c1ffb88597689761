"""Manifests of a zoo: tables with one row per member and one column per key. Only a Parquet file loads polars."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.user_paths import location
from scripts.lib.members.spec import MEMBER_KINDS
from scripts.lib.study.file import is_misread

Entry = dict[str, Any]
# Cells that are paths (relative to the manifest), and cells that are text even if they look like numbers.
PATHS = ("file", "weights", "samples", "classes")
TEXTS = ("id", "kind", "model", *PATHS)


def rows_of_manifest(source: str, settings: Entry, where: str) -> Iterator[Entry]:
    """The keys of each row, merged over `settings`; the paths in both are relative to the manifest.

    Raises StudyError, naming `where`, for a table that cannot be read or is ambiguous.
    """
    folder = Path(location(source)).parent
    for number, cells in enumerate(_table(source, where), 1):
        row = settings | _nested(cells, f"{where}: row {number} of {source}")
        yield row | {key: _below(folder, key, row) for key in PATHS if key in row}


def _table(source: str, where: str) -> list[Entry]:
    """The rows of a manifest, without empty cells."""
    path = Path(location(source))
    try:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = list(_cells(csv.reader(file, strict=True)))
        else:
            from scripts.lib.reading.user_tables import read_table

            rows = read_table(path, None)[0].to_dicts()
    except StudyError as error:
        raise StudyError(f"{where}: {error}") from None
    except Exception as error:  # noqa: BLE001 - a damaged file can make a reader raise anything
        raise StudyError(f"{where}: the manifest {source} cannot be read ({error}).") from None
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


def _cells(lines: Iterator[list[str]]) -> Iterator[Entry]:
    """The rows of a CSV file by column. Raises ValueError for ambiguous columns."""
    columns = next(lines, [])
    if double := [name for name in columns if columns.count(name) > 1]:
        raise ValueError(f"two columns have the name {double[0]!r}")
    if not {name.split(".")[0] for name in columns} & {*TEXTS}:
        raise ValueError(f"its first line names no column such as {', '.join(TEXTS)}, separated by commas")
    for number, line in enumerate(lines, 1):
        if line and len(line) != len(columns):
            raise ValueError(f"row {number} has {len(line)} cells for {len(columns)} columns")
        if line:
            yield {key: _cell(key, text, number) for key, text in zip(columns, line, strict=True)}


def _cell(key: str, text: str, row: int) -> Any:
    if not text:
        return None
    if key.split(".")[0] in TEXTS:
        return text
    try:
        node, value = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text
    if node and is_misread(node):
        raise ValueError(
            f"row {row}, column `{key}`: {text} is read as {value} in YAML 1.1; write the number in decimal"
        )
    return value


def _nested(cells: Entry, where: str) -> Entry:
    """A column `file.clean` is the key `clean` of the section `file`."""
    row: Entry = {}
    for key, value in cells.items():
        section, _, inner = key.partition(".")
        if (inner and not isinstance(row.setdefault(section, {}), dict)) or (not inner and section in row):
            raise StudyError(f"{where} has both a cell {section!r} and cells such as {key!r}: leave one of them empty.")
        if inner:
            row[section][inner] = value
        else:
            row[section] = value
    return row


def _below(folder: Path, key: str, row: Entry) -> Any:
    """A path in a row of a manifest, which is relative to the manifest, or the name of a library's own weights."""
    value = row[key]
    if isinstance(value, dict):
        return {inner: _below(folder, inner, value) for inner in value}
    if not isinstance(value, str):
        return value
    path = str(folder / location(value))
    kind = MEMBER_KINDS.get(str(row.get("kind")))
    is_name = kind is not None and key == kind.file_key and not os.path.isfile(path) and kind.file(row, "") is None
    return value if is_name else path
