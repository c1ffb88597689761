"""Numbers as text inside the page: little-endian, deflated, in base64."""

import base64
import zlib
from typing import Any

import numpy as np

TYPES = {"u8": "<u1", "u16": "<u2", "u32": "<u4", "f32": "<f4", "f64": "<f8"}


def packed(values: np.ndarray, kind: str) -> dict[str, Any]:
    """An array of any shape as `{"type", "length", "data"}`; what is not finite becomes NaN.

    The first bytes of all numbers come first, then all second bytes, and so on, because equal bytes beside each other
    are deflated to less. Raises ValueError for a value that an integer of this kind cannot hold.
    """
    flat: np.ndarray = np.ascontiguousarray(values).ravel()
    if kind.startswith("u"):
        most = np.iinfo(TYPES[kind]).max
        if len(flat) and not (flat.min() >= 0 and flat.max() <= most):
            raise ValueError(f"{kind} holds numbers from 0 to {most}, not {flat.min()} to {flat.max()}")
    else:
        flat = np.where(np.isfinite(flat), flat, np.nan)
    numbers = flat.astype(TYPES[kind])
    planes = numbers.view(np.uint8).reshape(len(numbers), -1).T.tobytes() if len(numbers) else b""
    data = base64.b64encode(zlib.compress(planes, 9)).decode()
    return {"type": kind, "length": len(numbers), "data": data}


def unpacked(content: dict[str, Any]) -> np.ndarray:
    """The array that `packed` was given, in one dimension."""
    dtype = np.dtype(TYPES[content["type"]])
    planes = np.frombuffer(zlib.decompress(base64.b64decode(content["data"])), np.uint8)
    return np.ascontiguousarray(planes.reshape(dtype.itemsize, content["length"]).T).view(dtype).ravel()


def counts(values: np.ndarray) -> dict[str, Any]:
    """Whole numbers from 0 on in as few bytes as hold the largest."""
    largest = int(values.max(initial=0))
    return packed(values, "u8" if largest < 2**8 else "u16" if largest < 2**16 else "u32")
