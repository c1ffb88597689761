"""The same columns as bytes: CSV in the dialects that programs write, Parquet and NumPy arrays in their types.

A dialect is `plain` where the documentation promises that it is read.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from hypothesis import assume
from hypothesis import strategies as st

from tests.fuzz.tables import Column, Columns, Draw, Table

NUMBERS: dict[str, Callable[[float], str]] = {
    "shortest": repr,
    "six digits": lambda value: f"{value:.6f}",
    "exponent": lambda value: f"{value:.6e}",
    "signed": lambda value: f"{value:+.6f}",
    "without zero": lambda value: re.sub(r"^(-?)0\.", r"\1.", f"{value:.6f}"),
    "spaces": lambda value: f" {value:.6f} ",
    "decimal comma": lambda value: f"{value:.6f}".replace(".", ","),
    "percent": lambda value: f"{100 * value:.4f}%",
    "thousands": lambda value: f"{value:,.6f}",
    "underscores": lambda value: f"{value:_.6f}",
}
PLAIN_NUMBERS = ["shortest", "six digits", "exponent"]


@dataclass(frozen=True)
class Csv:
    """A dialect of CSV."""

    separator: str = ","
    quoting: int = csv.QUOTE_MINIMAL
    end: str = "\n"
    encoding: str = "utf-8"
    number: str = "shortest"
    before: str = ""
    after: str = ""
    plain: bool = True

    def __call__(self, columns: Sequence[Column]) -> bytes:
        """The columns as text; numbers of class columns are formatted, everything else is str()."""
        file = io.StringIO(newline="")
        writer = csv.writer(file, delimiter=self.separator, quoting=self.quoting, lineterminator=self.end)  # type: ignore[arg-type]
        writer.writerow([name for name, _ in columns])
        for row in zip(*(cells for _, cells in columns), strict=True):
            writer.writerow([self._cell(cell) for cell in row])
        text = self.before + file.getvalue() + self.after
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError:  # with a question mark in place of a character, a name would be another one
            return text.encode("utf-8", errors="replace")

    def _cell(self, cell: Any) -> str:
        if cell is None:
            return ""
        return NUMBERS[self.number](cell) if type(cell) is float and np.isfinite(cell) else str(cell)


ODD_CSV: list[dict[str, Any]] = [
    {"separator": ";"},
    {"separator": ";", "number": "decimal comma"},
    {"separator": "\t"},
    {"separator": "|"},
    {"separator": " "},
    {"quoting": csv.QUOTE_NONNUMERIC},
    {"end": "\r"},
    {"encoding": "utf-16"},
    {"encoding": "utf-16-le"},
    {"encoding": "latin-1"},
    {"encoding": "utf-32"},
    {"after": "\n"},
    {"after": "\n\n \n"},
    {"after": "a,b"},
    {"before": "\n"},
    {"before": "# made by a program\n"},
    {"before": "sep=,\n"},
    *({"number": number} for number in NUMBERS),
]


@st.composite
def csv_dialects(draw: Draw, odd: bool = True) -> Csv:
    """The plain dialects (end of line, quotes, byte order mark), and at times, if it may be `odd`, another."""
    plain = Csv(
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        end=draw(st.sampled_from(["\n", "\r\n"])),
        encoding=draw(st.sampled_from(["utf-8", "utf-8-sig"])),
        number=draw(st.sampled_from(PLAIN_NUMBERS)),
    )
    return (
        replace(plain, **draw(st.sampled_from(ODD_CSV)), plain=False) if odd and draw(st.integers(0, 2)) == 2 else plain
    )


def parquet(columns: Sequence[Column], types: str = "") -> bytes:
    """The columns as Parquet. `types` names the columns' types where they are not strings and float64."""
    assume(len(dict(columns)) == len(columns))  # a Parquet file cannot have two columns of one name
    table = pl.DataFrame([_series(name, cells, types) for name, cells in columns])
    file = io.BytesIO()
    table.write_parquet(file)
    return file.getvalue()


TYPES: dict[str, Any] = {
    "float32": pl.Float32,
    "int64": pl.Int64,
    "uint8": pl.UInt8,
    "decimal": pl.Decimal(20, 6),
    "categorical": pl.Categorical,
    "binary": pl.Binary,
    "list": pl.List(pl.Float64),
    "boolean": pl.Boolean,
    "null": pl.Null,
    "text": pl.String,
}
ID_TYPES = ("categorical", "binary", "int64")


def _series(name: str, cells: Sequence[Any], types: str) -> pl.Series:
    """A column; a type that cannot hold its cells is left out."""
    series = (
        pl.Series(name, cells, strict=False) if len({type(cell) for cell in cells if cell is not None}) < 2 else None
    )
    if series is None:
        series = pl.Series(name, [None if cell is None else str(cell) for cell in cells])
    is_id = series.dtype == pl.String
    if not types or is_id != (types in ID_TYPES):
        return series
    try:
        if types == "list":
            return pl.Series(name, [[cell] for cell in cells])
        cast = series.cast(TYPES[types])
        lossless = is_id or types == "float32" or cast.cast(series.dtype).equals(series)
        return cast if lossless else series
    except pl.exceptions.PolarsError:
        return series


@dataclass(frozen=True)
class Arrays:
    """How a table lies in an .npz file, or as the only array in an .npy file."""

    key: str = "logits"
    ids: str | None = "sample"
    names: bool = True
    dtype: str = "f8"
    id_dtype: str = "U"
    further: tuple[str, ...] = ()
    compressed: bool = False
    plain: bool = True

    def arrays(self, table: Table, rows: Sequence[int], order: Sequence[int]) -> dict[str, np.ndarray]:
        values = np.array(table.values)[list(rows)][:, list(order)]
        arrays = {self.key: _cast(values, self.dtype)}
        if self.ids:
            arrays[self.ids] = _cast(np.array([table.samples[row] for row in rows]), self.id_dtype)
        if self.names:
            arrays["classes"] = np.array([table.classes[number] for number in order])
        for name in set(self.further) - set(arrays):
            arrays[name] = np.zeros((len(rows), 2)) if name == "embedding" else np.arange(len(rows))
        return arrays


def _cast(values: np.ndarray, dtype: str) -> np.ndarray:
    """The array in another type, shape or order; unchanged where the type cannot hold it."""
    if dtype in ("1-D", "3-D", "T", "F", "column"):
        reshaped = {"1-D": values.ravel(), "3-D": values[None], "T": values.T, "F": np.asfortranarray(values)}
        return reshaped.get(dtype, values[:, None] if values.ndim == 1 else values)
    try:
        return np.array([name.encode() for name in values]) if dtype == "S" else values.astype(dtype)
    except (ValueError, TypeError, UnicodeError, OverflowError):
        return values


# Numbers of these types are those that are meant, but for rounding; the others may be refused.
PLAIN_DTYPES = ["f8", "f4", ">f8", "F"]
ODD_DTYPES = ["f2", "i4", "u1", "c16", "O", "U", "1-D", "3-D", "M8[s]"]


@st.composite
def array_layouts(draw: Draw, odd: bool = True) -> Arrays:
    """Arrays as documented, and at times, if they may be `odd`, otherwise."""
    plain = Arrays(
        key=draw(st.sampled_from(["logits", "predictions", "probabilities", "scores"])),
        ids=draw(st.sampled_from(["sample", "id", None])),
        names=draw(st.booleans()),
        dtype=draw(st.sampled_from(PLAIN_DTYPES)),
        compressed=draw(st.booleans()),
    )
    if not odd or draw(st.integers(0, 2)) < 2:
        return plain
    deviations: list[dict[str, Any]] = [
        *({"dtype": dtype} for dtype in ODD_DTYPES),
        *({"id_dtype": dtype} for dtype in ("S", "O", "i8", "f8", "column", "c16")),
        *({"ids": name} for name in ("samples", "ids", "names")),
        {"further": ("embedding",)},
        {"further": ("id",)},
        {"further": ("labels", "sample")},
        {"key": "logits", "further": ("probabilities",)},
    ]
    return replace(plain, **draw(st.sampled_from(deviations)), plain=False)


def npz(arrays: dict[str, np.ndarray], compressed: bool = False) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, allow_pickle=True, **arrays)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def as_parquet(columns: Columns, types: str) -> tuple[bytes, bool]:
    """Parquet bytes, and whether the documentation promises that they are read."""
    return parquet(columns.columns, types), columns.plain and types in ("", "float32")
