"""Validation sets without images: labels as numbers or names, with ids or without."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from scripts.lib.errors import StudyError
from scripts.lib.labelled_samples import make_labelled_samples
from scripts.lib.storage import load_json, load_lines

CLASSES = ["cat", "dog"]
MEMBER = {"id": "m", "file": "m.csv", "classes": CLASSES}


def made(folder: Path, labels: Path, samples: Path | None = None, names: list[str] | None = CLASSES) -> list[Any]:
    pl.DataFrame({"cat": [0.5], "dog": [0.5]}).write_csv(folder / "m.csv")
    outputs = [str(folder / "out" / name) for name in ("labels.npy", "samples.txt", "classes.json", "record.json")]
    dataset = {"id": "clean", "labels": str(labels), "samples": str(samples) if samples else None}
    make_labelled_samples(dataset, names, MEMBER | {"file": str(folder / "m.csv")}, *outputs)
    return [np.load(outputs[0]).tolist(), load_lines(outputs[1]), load_json(outputs[2])]


@pytest.mark.parametrize("labels", [[1, 0, 1], ["dog", "cat", "dog"]])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_labels_are_numbers_or_names(tmp_path: Path, labels: list[Any], form: str) -> None:
    table = pl.DataFrame({"sample": ["x", "y", "z"], "label": labels})
    table.write_csv(tmp_path / "l.csv") if form == "csv" else table.write_parquet(tmp_path / "l.parquet")
    assert made(tmp_path, tmp_path / f"l.{form}") == [[1, 0, 1], ["x", "y", "z"], CLASSES]


def test_ids_come_from_a_file_or_are_numbers_and_class_names_from_the_first_member(tmp_path: Path) -> None:
    np.save(tmp_path / "l.npy", np.array([0, 1]))
    assert made(tmp_path, tmp_path / "l.npy", names=None) == [[0, 1], ["0", "1"], CLASSES]
    (tmp_path / "ids.txt").write_text("x\ny\n")
    assert made(tmp_path, tmp_path / "l.npy", tmp_path / "ids.txt")[1] == ["x", "y"]


@pytest.mark.parametrize(
    ("labels", "samples", "said"),
    [
        (
            [0, 2],
            ["x", "y"],
            "has 1 labels that are none of the 2 classes (cat, dog, …); the first is 2 for y",
        ),
        ([0, 1], ["x", "x"], "'x' is there twice"),
        ([0.5, 1], ["x", "y"], "holds float64; labels are numbers from 0, or names of classes"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: list[Any], samples: list[str], said: str) -> None:
    pl.DataFrame({"sample": samples, "label": labels}).write_csv(tmp_path / "l.csv")
    with pytest.raises(StudyError) as refusal:
        made(tmp_path, tmp_path / "l.csv")
    assert said in str(refusal.value)
    assert "l.csv" in str(refusal.value)


def test_a_file_that_is_missing_or_has_no_labels_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"gone\.csv does not exist"):
        made(tmp_path, tmp_path / "gone.csv")
    pl.DataFrame({"sample": ["x"], "y": [0]}).write_csv(tmp_path / "l.csv")
    with pytest.raises(StudyError, match="has no column `label`, only sample, y"):
        made(tmp_path, tmp_path / "l.csv")
