"""Tables, arrays and lists in users' files: read exactly as they are, or refused with an error that names the file.

Nothing is unpickled, paths are never treated as patterns, and text stays text.
"""

import math
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from scripts.lib.jobs.errors import StudyError, first_line
from scripts.lib.reading.csv_tables import read_csv, require_different
from scripts.lib.reading.parquet_files import read_parquet

# Names of the column of row numbers that pandas writes by default.
ROW_NUMBERS = ("", "Unnamed: 0", "__index_level_0__")
# Bytes of an array that one byte of an .npz file can stand for, by the methods that NumPy uses.
LARGEST_RATIO = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
BYTES_OF_HEADERS_LENGTH = {(1, 0): 2, (2, 0): 4}
LONGEST_HEADER = 10_000  # bytes; NumPy has the same limit, but allocates the memory first


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Convert any exception of a library that reads `path` into a StudyError that names the file."""
    try:
        if path.exists() and not path.is_file():
            raise StudyError(f"{path} is not a file.")
        yield
    except StudyError:
        raise
    except FileNotFoundError:
        raise StudyError(f"{path} does not exist.") from None
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - damaged files make readers raise anything
        raise StudyError(f"{path} cannot be read: {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    said = first_line(error).rstrip(".")
    if isinstance(error, UnicodeDecodeError) or "utf-8" in said:
        return f"it is not UTF-8 text ({said}). Save it in this encoding."
    if "Python objects" in said or "allow_pickle" in said:
        return f"{said}. Files with Python objects (pickles) are not loaded."
    return said if said.endswith("?") else f"{said}."


def read_lines(path: Path) -> list[str]:
    """Lines of a text file, without a byte order mark. Raises StudyError for a file that is not UTF-8 text."""
    with readable(path):
        text = path.read_text(encoding="utf-8-sig")
    return text.removesuffix("\n").split("\n") if text else []


def read_table(path: Path, texts: Collection[str] | None) -> tuple[pl.DataFrame, list[str]]:
    """A `.csv` or `.parquet` file, and remarks on how it was read.

    In a CSV file the columns named in `texts` (None means all) are text, the others float64. Raises StudyError for a
    file that cannot be read, has two columns with the same name, or has no rows.
    """
    with readable(path):
        if path.suffix == ".csv":
            table, remarks = read_csv(path, texts)
        else:
            table, remarks = read_parquet(path), []
    require_different(table.columns, path)
    if not len(table):
        raise StudyError(f"{path} has no rows.")
    return table, remarks


def ids_in(columns: Mapping[str, Sequence[str | None]], path: Path) -> list[str] | None:
    """The ids of the rows, from the columns of ids that a file has; None if it has none.

    Raises StudyError for a row without an id, and if two columns differ.
    """
    if not columns:
        return None
    first, *others = columns
    for other in others:
        if list(columns[other]) != list(columns[first]):
            raise StudyError(
                f"{path} has two columns of ids that differ, `{first}` and `{other}`: remove the one whose values are "
                "not ids, or rename it."
            )
    return present(columns[first], path)


def present(ids: Sequence[str | None], path: Path) -> list[str]:
    """The ids, if every row has one. Raises StudyError naming the first row without an id."""
    for row, text in enumerate(ids, 1):
        if not text:
            raise StudyError(f"{path}: row {row} has no sample id.")
    return [str(text) for text in ids]


def texts_of(values: pl.Series, path: Path) -> list[str | None]:
    """A column as text, with None for missing values. Raises StudyError unless it holds texts or numbers."""
    if values.dtype.is_nested() or values.dtype == pl.Boolean:
        raise StudyError(f"{path}: the column `{values.name}` holds {values.dtype}; expected texts or numbers.")
    values = values.fill_nan(None) if values.dtype.is_float() else values
    with readable(path):
        return values.cast(pl.String).to_list()


def texts_of_array(values: np.ndarray, path: Path) -> list[str | None]:
    """An array of ids or names as text, None for NaN. Raises StudyError unless it has one text or number per row."""
    if values.ndim != 1 or values.dtype.kind not in "USiufM":
        kind = f"{values.dtype} {list(values.shape)}"
        raise StudyError(f"{path} has ids or names of classes as {kind}; expected one text or number per row.")
    with readable(path):
        if values.dtype.kind == "S":
            return [value.decode() for value in values.tolist()]
        texts = [None if value != value else str(value) for value in values]
        "".join(text or "" for text in texts).encode()  # half a surrogate pair could not be written
        return texts


def read_array(path: Path) -> np.ndarray:
    """A `.npy` file, memory-mapped. Raises StudyError if it is not a plain array."""
    with readable(path):
        with path.open("rb") as file:
            _dimensions(file, path.stat().st_size, path.name)
        return np.lib.format.open_memmap(path, mode="r")


class Archive:
    """An opened `.npz` file: lists its arrays, and loads each on request."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = zipfile.ZipFile(path)
        for info in self.file.infolist():
            self.file.open(info).close()  # raises if the directory and the entries have different names
        members = [info for info in self.file.infolist() if info.filename.endswith(".npy")]
        self.dimensions = {info.filename.removesuffix(".npy"): self._dimensions(info) for info in members}
        if len(self.dimensions) < len(members):
            raise ValueError("it has two arrays of the same name")

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getitem__(self, name: str) -> np.ndarray:
        with self.file.open(f"{name}.npy") as file:
            return np.lib.format.read_array(file, allow_pickle=False)

    def _dimensions(self, info: zipfile.ZipInfo) -> int:
        """How many dimensions an array has, if the file holds as many bytes as its header claims."""
        most = info.compress_size * LARGEST_RATIO.get(info.compress_type, 0)
        if info.file_size > most:
            raise ValueError(
                f"the array {info.filename} claims to have {info.file_size} bytes, but can have at most {most}"
            )
        with self.file.open(info) as file:
            return _dimensions(file, info.file_size, info.filename)


def _dimensions(file: IO[bytes], size: int, name: str) -> int:
    """How many dimensions an array has. Raises ValueError if its header claims another size than it has.

    `size` is in bytes and includes the header.
    """
    shape, dtype = _header(file)
    claimed, held = math.prod(shape) * dtype.itemsize, size - file.tell()
    if min(shape, default=0) < 0 or (claimed != held and not dtype.hasobject):
        raise ValueError(f"the array {name} claims to have {claimed} bytes {list(shape)}, but has {held}")
    return len(shape)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"it is an array of the unknown format {version}")
    start = file.tell()
    length = int.from_bytes(file.read(BYTES_OF_HEADERS_LENGTH[version]), "little")
    if length > LONGEST_HEADER:
        raise ValueError(f"the array claims to have a header of {length} bytes")
    file.seek(start)
    shape, _, dtype = HEADERS[version](file)
    return shape, dtype
