"""Reading and writing files, and their digests. A file appears under its final name only when it is complete."""

import errno
import glob
import hashlib
import json
import math
import os
import shutil
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.jobs.errors import StudyError, printable

# No job pauses this long while it writes a file.
SECONDS_UNTIL_ABANDONED = 3600


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a path next to `path` to write to; when the block succeeds, flush the file and rename it to `path`.

    A job that is killed leaves at most a hidden `.name.….part` file, which a later writer removes.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned_parts(path)
    part = part_of(path)
    try:
        yield part
        _flush(part)
        os.replace(part, path)
        _flush(path.parent)
    except Exception as error:
        if os.strerror(errno.ENOSPC) not in str(error):  # polars and safetensors raise their own exceptions
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """The temporary file in which this process writes what becomes `path`.

    Another process may be writing the same file: on a cluster, a job goes on running after Snakemake or the node's
    daemon was killed, and the next attempt starts while it still runs.
    """
    return path.with_name(f".{path.name}.{socket.gethostname()}-{os.getpid()}.part")


def link_or_copy(source: str | Path, path: str | Path) -> None:
    """Make the file `source` appear as `path` too: as a hard link, or as a copy where the file system has no links.

    Files of the workflow are replaced and never changed, so a file and its link do not influence each other.
    """
    with whole_file(path) as part:
        try:
            os.link(source, part)
        except OSError:
            shutil.copyfile(source, part)


def _remove_abandoned_parts(path: Path) -> None:
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(FileNotFoundError):
            if time.time() - part.lstat().st_mtime > SECONDS_UNTIL_ABANDONED:
                part.unlink()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def save_array(path: str | Path, array: np.ndarray) -> None:
    """Write `array` as a C-contiguous, memory-mappable .npy file without pickled objects."""
    _save_blocks(path, [array], array.shape, array.dtype)


def save_rows(path: str | Path, rows: Iterable[np.ndarray], count: int, row: tuple[int, ...], dtype: str) -> None:
    """Write `count` arrays of shape `row` as one array [count, *row], with one row in memory at a time."""
    _save_blocks(path, rows, (count, *row), np.dtype(dtype))


def _save_blocks(path: str | Path, blocks: Iterable[np.ndarray], shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Write blocks that follow each other as one .npy array of `shape`.

    Uses plain writes, which report a full disk: np.save loses the error number, and with a memory map the process is
    killed by SIGBUS.
    """
    if dtype.hasobject:
        raise ValueError(f"{path}: an array of Python objects cannot be stored")
    with whole_file(path) as part, part.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype).data)
        if file.tell() - start != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{path}: the rows do not add up to an array of shape {shape}")


def load_array(path: str | Path) -> np.ndarray:
    """Memory-map a .npy file read-only. Raises StudyError if it is missing or not a plain array."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise StudyError(f"{path} is missing: run the workflow again to make it.") from None
    except (ValueError, EOFError) as error:
        raise StudyError(f"{path} is not a readable .npy array ({error}): delete it and run again.") from None


def save_table(path: str | Path, table: pl.DataFrame) -> None:
    """Write `table` as Parquet."""
    with whole_file(path) as part:
        table.write_parquet(part)


def load_table(path: str | Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Read a Parquet table, or only some `columns` of it. Raises StudyError if it is missing or damaged."""
    try:
        return pl.read_parquet(path, columns=columns)
    except FileNotFoundError:
        raise StudyError(f"{path} is missing: run the workflow again to make it.") from None
    except pl.exceptions.ComputeError as error:
        raise StudyError(f"{path} is not a readable Parquet table ({error}): delete it and run again.") from None


def save_json(path: str | Path, content: Any) -> None:
    """Write `content` as indented JSON."""
    with whole_file(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load_json(path: str | Path) -> Any:
    """Read a JSON file. Raises StudyError if it is missing or damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"{path} is missing: run the workflow again to make it.") from None
    except ValueError as error:  # not JSON, or not text
        raise StudyError(f"{path} is not readable JSON ({error}): delete it and run again.") from None


def save_lines(path: str | Path, lines: Iterable[str]) -> None:
    """Write one line per string. Raises StudyError for a string that `load_lines` would not return unchanged."""
    lines = list(lines)
    for line in lines:
        if {"\n", "\r"} & set(line) or line.startswith("\ufeff") or not _is_utf8(line):
            raise StudyError(
                f"{path} cannot hold the id '{printable(line)}': an id must be one line of UTF-8. Rename the picture, "
                "or correct the id in your file."
            )
    with whole_file(path) as part:
        part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def load_lines(path: str | Path) -> list[str]:
    """Read a text file as a list of lines without their ends. Only line feeds (and CR LF) end a line."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise StudyError(f"{path} is missing: run the workflow again to make it.") from None
    except UnicodeDecodeError as error:
        raise StudyError(
            f"{path} is not readable text ({error}). If it is your file, save it as UTF-8; if the workflow made it, "
            "delete it and run again."
        ) from None
    return text.removesuffix("\n").split("\n") if text else []


def digest_of_lines(lines: Iterable[str]) -> str:
    """SHA-256 of a list of strings, order included: equal digests mean the same samples in the same order."""
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def digest_of_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
