"""Recorded arrays that fit each other are opened, and others are refused by name."""

import re
from pathlib import Path

import numpy as np
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import save_array
from scripts.lib.measures.recorded import load_recorded

SAMPLES = [f"test/{row}" for row in range(5)]
MAPS, FEATURES = np.ones((4, 2, 3), np.float16), np.ones((4, 2), np.float16)


def recorded(folder: Path, kind: str, *arrays: np.ndarray) -> list[np.ndarray]:
    paths = [str(folder / f"{name}.npy") for name in "ab"]
    for path, array in zip(paths, arrays, strict=True):
        save_array(path, array)
    return load_recorded(kind, "clean", ["a", "b"], paths, SAMPLES)


def test_recorded_arrays_are_opened_and_activations_may_have_different_widths(tmp_path: Path) -> None:
    loaded = recorded(tmp_path, "activations", FEATURES, np.ones((4, 7), np.float16))
    assert [array.shape for array in loaded] == [(4, 2), (4, 7)]
    assert [array.shape for array in recorded(tmp_path, "attributions", MAPS, MAPS)] == [(4, 2, 3), (4, 2, 3)]


@pytest.mark.parametrize(
    ("kind", "first", "second", "message"),
    [
        ("activations", FEATURES, FEATURES[:3], "has 3 samples, but that of member a has 4 samples"),
        (
            "attributions",
            MAPS,
            MAPS[:, :1],
            "has 4 samples of 1 × 3 pixels, but that of member a has 4 samples of 2 × 3",
        ),
        ("attributions", MAPS, FEATURES, r"is float16 [4, 2]; expected float16 or float32 [samples, height, width]"),
        ("activations", FEATURES, MAPS, r"is float16 [4, 2, 3]; expected float16 or float32 [samples, features]"),
        ("activations", FEATURES, np.ones((4, 2), np.int64), "is int64 [4, 2]; expected float16"),
        ("activations", FEATURES, np.ones((6, 2), np.float16), "has 6 rows for the 5 samples of the dataset"),
        ("activations", FEATURES, np.ones((0, 2), np.float16), "has 0 rows for the 5 samples of the dataset"),
    ],
)
def test_recorded_arrays_that_do_not_fit_are_refused(
    tmp_path: Path, kind: str, first: np.ndarray, second: np.ndarray, message: str
) -> None:
    with pytest.raises(StudyError, match=r"b\.npy \(member b, dataset clean\) " + re.escape(message)):
        recorded(tmp_path, kind, first, second)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("kind", "array"), [("activations", FEATURES), ("attributions", MAPS)])
def test_recorded_values_that_are_not_finite_are_named_by_their_first_sample(
    tmp_path: Path, kind: str, array: np.ndarray, value: float
) -> None:
    bad = array.copy()
    bad[1:3, 1] = value
    message = rf"b\.npy \(member b, dataset clean\): the {kind} are not finite for 2 of 4 .* first is test/1 \(row 1\)"
    with pytest.raises(StudyError, match=message):
        recorded(tmp_path, kind, array, bad)
