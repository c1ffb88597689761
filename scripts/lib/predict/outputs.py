"""The files that the command writes, which are checked before anything is computed."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import save_table, whole_file

TABLES, MODELS = (".csv", ".parquet"), (".onnx",)


def require_outputs(output: Path | None, onnx: Path | None, inputs: Mapping[Path, str]) -> None:
    """Raise StudyError for a file with another suffix, that is one of the `inputs` (and what they are), that is named
    twice, or that cannot be written. Links are followed."""
    taken = {os.path.realpath(path): what for path, what in inputs.items()}
    for name, path, suffixes in (("OUTPUT (--output)", output, TABLES), ("ONNX (--onnx)", onnx, MODELS)):
        if path is None:
            continue
        if path.suffix not in suffixes:
            raise StudyError(f"{name}: {path} must end in {' or '.join(suffixes)}.")
        real = os.path.realpath(path)
        if real in taken:
            raise StudyError(f"{name}: {path} is {taken[real]}, which would be overwritten: name another file.")
        _require_writable(path, name)
        taken[real] = f"the same file as {name}"


def _require_writable(path: Path, name: str) -> None:
    """Folders that do not exist are made later, so the nearest one that exists must take a file."""
    try:
        if path.is_dir():
            raise StudyError(f"{name}: {path} is a folder: name a file.")
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir():
            raise StudyError(f"{name}: {path} cannot be written, because {folder} is not a folder.")
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StudyError(f"{name}: {path} cannot be written ({error.strerror or error}).") from None


def save_predictions(table: pl.DataFrame, path: Path) -> None:
    """Write a table as its suffix says."""
    if path.suffix == ".parquet":
        save_table(path, table)
        return
    with whole_file(path) as part:
        table.write_csv(part)
