"""Readers that share nothing with the program: Python's csv, json and zipfile, and NumPy's frombuffer.

They read what is beyond doubt and raise Doubtful for everything else. What the program accepts must be what they read.
"""

import ast
import csv
import io
import json
import math
import re
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

IDS = ("sample", "id")
NUMBER = re.compile(r"[ \t]*[-+]?(\d+([.]\d*)?|[.]\d+)([eE][-+]?\d+)? *", re.ASCII)
HEADING = re.compile(r"(?:class|logit|probability|prob|score|column|p|c)?[_ -]?(\d+)(?:\.0+)?", re.ASCII)


class Doubtful(Exception):  # noqa: N818 - not an error of the program
    """A careful reader could not be sure what the file means."""


@dataclass(frozen=True)
class Found:
    """What a file of predictions says: values [N, C], ids and names of classes where it has them."""

    values: np.ndarray
    samples: list[str] | None
    classes: list[str] | None


def cells_of(data: bytes, needed: Sequence[str] = ()) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a CSV file: UTF-8, one separator, rows of one length, no name twice.

    Where only the columns `needed` are looked at, the others may be called anything.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Doubtful(f"not UTF-8: {error}") from None
    text = text.lstrip("\r\n")  # blank lines before the header
    head = text.split("\n", 1)[0]
    separators = [separator for separator in ",;\t|" if separator in head]
    try:
        separator = "," if "," in separators or not separators else separators[0]
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise Doubtful(f"no CSV: {error}") from None
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    if len(rows) < 2:
        raise Doubtful("has no rows")
    if any(len(row) != len(rows[0]) for row in rows):
        raise Doubtful("rows of several lengths")
    heads = [name for name in rows[0] if name in needed] if needed else rows[0]
    if len(set(heads)) < len(heads) or not all(heads):
        raise Doubtful(f"a heading is empty, or there twice: {rows[0]}")
    return rows[0], rows[1:]


def number(text: str) -> float:
    """A decimal number in ASCII digits, also with a decimal comma."""
    if not NUMBER.fullmatch(text) and not NUMBER.fullmatch(text.replace(",", ".", 1)):
        raise Doubtful(f"{text!r} is not a number")
    value = float(text.replace(",", ".", 1))
    if not math.isfinite(value):
        raise Doubtful(f"{text!r} is not finite")
    return value


def predictions_csv(data: bytes) -> Found:
    header, rows = cells_of(data)
    ids = next((header.index(name) for name in IDS if name in header), None)
    scores = [place for place, name in enumerate(header) if name not in (*IDS, "label")]
    values = np.array([[number(row[place]) for place in scores] for row in rows])
    samples = None if ids is None else [row[ids] for row in rows]
    return Found(values.reshape(len(rows), len(scores)), samples, [header[place] for place in scores])


def npy(data: bytes) -> np.ndarray:
    """An .npy array of plain numbers or text."""
    if data[:6] != b"\x93NUMPY" or len(data) < 10:
        raise Doubtful("no .npy file")
    wide = data[6] > 1
    start = 12 if wide else 10
    length = struct.unpack("<I" if wide else "<H", data[8:start].ljust(4 if wide else 2, b"\0"))[0]
    try:
        header = ast.literal_eval(data[start : start + length].decode("latin-1").strip())
        dtype, shape = np.dtype(header["descr"]), header["shape"]
        if dtype.kind not in "fiuUS" or not all(type(side) is int and side >= 0 for side in shape):
            raise Doubtful(f"an array of {dtype} {shape}")
        flat = np.frombuffer(data, dtype, math.prod(shape), start + length)
        return flat.reshape(shape, order="F" if header["fortran_order"] else "C")
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError, OverflowError) as error:
        raise Doubtful(f"no .npy file: {error}") from None


def npz(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of an .npz file; the sums of all its entries are checked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return {name.removesuffix(".npy"): npy(file.read(name)) for name in file.namelist()}
    except Doubtful:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile raises many things for damaged files
        raise Doubtful(f"no .npz file: {error}") from None


def predictions_npz(data: bytes) -> Found:
    arrays = npz(data)
    keys = [key for key in ("predictions", "logits", "probabilities") if key in arrays]
    keys = keys or [key for key, array in arrays.items() if array.ndim == 2 and array.dtype.kind in "fiu"]
    if len(keys) != 1:
        raise Doubtful(f"one array of scores is not among {list(arrays)}")
    samples = next((texts_of(arrays[key]) for key in (*IDS, "samples", "ids") if key in arrays), None)
    return Found(arrays[keys[0]], samples, texts_of(arrays["classes"]) if "classes" in arrays else None)


def predictions_npy(data: bytes) -> Found:
    return Found(npy(data), None, None)


def texts_of(array: np.ndarray) -> list[str]:
    """Names or whole numbers in an array of one dimension, as text."""
    if array.ndim != 1 or array.dtype.kind == "f":
        raise Doubtful(f"names in an array of {array.dtype} {array.shape}")
    try:
        return [cell.decode() if isinstance(cell, bytes) else str(cell) for cell in array.tolist()]
    except (UnicodeError, SystemError) as error:  # the latter for invalid characters
        raise Doubtful(f"names that are no UTF-8: {error}") from None


def logits_of(found: Found, samples: Sequence[str], classes: Sequence[str], kind: str) -> np.ndarray:
    """Logits [N, C] in the order of samples and classes. `kind` is "auto", "logits" or "probabilities"."""
    if found.values.dtype.kind not in "fiu":
        raise Doubtful(f"values of {found.values.dtype}")
    values = np.asarray(found.values, float)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise Doubtful(f"values of shape {values.shape}, or not finite")
    names = found.classes
    if names is not None and set(names) != set(classes):
        numbers = _numbers(names, len(classes)) if len(names) == len(classes) else None
        stripped = [name.strip() for name in names]
        if numbers is not None:
            names = [classes[place] for place in numbers]
        elif set(classes) <= set(stripped):
            names = stripped
    values = values[_places(found.samples, samples, len(values), "samples")]
    columns = _places(names, classes, values.shape[1], "classes")
    sums = np.abs(values.sum(1) - 1) <= 2e-3
    if kind == "probabilities" or (kind == "auto" and (values >= 0).all() and (values <= 1.002).all()):
        if not sums.all() or (values < 0).any():
            raise Doubtful("probabilities that do not sum to 1")
        values = np.log(np.maximum(values, 1e-30))
    return values[:, columns]


def _numbers(names: Sequence[str], classes: int) -> list[int] | None:
    """Places of numbered columns: 0, 1, … or 1, 2, …, each once."""
    matches = [HEADING.fullmatch(name.strip().lower()) for name in names]
    numbers = [int(match[1]) for match in matches if match]
    for first in (0, 1):
        if sorted(numbers) == list(range(first, first + classes)):
            return [place - first for place in numbers]
    return None


def _places(found: Sequence[str] | None, wanted: Sequence[str], length: int, what: str) -> list[int]:
    """The position of each requested name; without names, the same order."""
    if found is None:
        if length != len(wanted):
            raise Doubtful(f"{length} {what} for {len(wanted)}")
        return list(range(length))
    if len(found) != length or len(set(found)) < length or not set(wanted) <= set(found):
        raise Doubtful(f"{what} {list(found)} for {list(wanted)}")
    return [list(found).index(name) for name in wanted]


def labels_csv(data: bytes) -> tuple[list[str], list[str] | None]:
    """Labels as text, and ids."""
    header, rows = cells_of(data, ("label", *IDS))
    if "label" not in header:
        raise Doubtful("no column `label`")
    ids = next((header.index(name) for name in IDS if name in header), None)
    return [row[header.index("label")] for row in rows], None if ids is None else [row[ids] for row in rows]


def lines(data: bytes) -> list[str]:
    """One name per line; a line ends with LF, CR LF or CR."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Doubtful(f"not UTF-8: {error}") from None
    found = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return found[:-1] if found[-1] == "" else found


def json_of(data: bytes) -> Any:
    """JSON in UTF-8 in which no key is there twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise Doubtful("a key is there twice")
        return dict(pairs)

    def refused(name: str) -> Any:
        raise Doubtful(f"{name} is not JSON")

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=refused)
    except (ValueError, RecursionError) as error:
        raise Doubtful(f"no JSON: {error}") from None


def safetensors(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Tensors (float32 and int64 alone) and the text beside them."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise Doubtful("the header is longer than the file")
    header = json_of(data[8 : 8 + length].rstrip(b" "))
    dtypes = {"F32": "<f4", "I64": "<i8"}
    tensors = {}
    try:
        for name, entry in header.items():
            if name != "__metadata__":
                start, stop = entry["data_offsets"]
                flat = np.frombuffer(data[8 + length + start : 8 + length + stop], dtypes[entry["dtype"]])
                tensors[name] = flat.reshape(entry["shape"])
        return tensors, dict(header.get("__metadata__", {}))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Doubtful(f"no tensors: {error!r}") from None
