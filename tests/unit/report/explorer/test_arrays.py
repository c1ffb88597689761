"""Numbers go into the page and come back unchanged."""

import base64
import zlib

import numpy as np
import pytest

from scripts.lib.report.explorer.arrays import counts, packed, unpacked


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("u8", [0, 1, 255]),
        ("u16", [0, 256, 65535]),
        ("u32", [0, 65536, 2**32 - 1]),
        ("f32", [0.0, -1.5, 1.25 * 2.0**60]),
        ("f64", [0.1, -1e-300, 1e300]),
        ("u16", []),
    ],
)
def test_numbers_come_back(kind: str, values: list[float]) -> None:
    content = packed(np.array(values), kind)
    assert content["length"] == len(values)
    assert unpacked(content).tolist() == values


def test_the_first_bytes_of_all_numbers_come_first() -> None:
    content = packed(np.array([0x0201, 0x0403]), "u16")
    assert zlib.decompress(base64.b64decode(content["data"])) == bytes([1, 3, 2, 4])


def test_what_is_not_finite_becomes_nan() -> None:
    assert np.isnan(unpacked(packed(np.array([np.inf, -np.inf, np.nan]), "f32"))).all()


@pytest.mark.parametrize("value", [-1, 256])
def test_a_number_that_does_not_fit_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="u8 holds numbers from 0 to 255"):
        packed(np.array([0, value]), "u8")


def test_counts_take_as_few_bytes_as_hold_the_largest() -> None:
    kinds = [counts(np.array([0, largest]))["type"] for largest in (255, 256, 65535, 65536)]
    assert kinds == ["u8", "u16", "u16", "u32"]
    assert counts(np.zeros(0, dtype=np.int64))["length"] == 0
