"""Tables as text, for spreadsheets and for reading."""

import json
from pathlib import Path

import polars as pl

from scripts.lib.jobs.storage import whole_file


def save_csv(path: str | Path, table: pl.DataFrame) -> None:
    """Write a table as CSV in UTF-8: all columns, unrounded; lists and structs as JSON, a missing value as nothing."""
    nested = [name for name, dtype in table.schema.items() if dtype.is_nested()]
    text = [pl.Series(name, [_as_json(value) for value in table[name].to_list()], pl.String) for name in nested]
    with whole_file(path) as part:
        table.with_columns(text).write_csv(part)


def _as_json(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
