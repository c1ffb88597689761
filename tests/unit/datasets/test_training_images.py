"""Training images are checked once, leave an index, and must be the same at every training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.lib.datasets.training_images import check_samples, check_training_images
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json, load_lines, save_json, save_lines
from tests.unit.conftest import coloured_training_set, write_image_folder


def settings(root: Path) -> dict[str, Any]:
    return {"kind": "image-folder", "folder": None, "training": {"folder": str(root)}}


def index_of(folder: Path) -> dict[str, str]:
    return {key: str(folder / f"{key}.out") for key in ("labels", "samples", "classes", "record")}


def test_checked_training_images_leave_an_index(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "training", {"a": 2, "b": 1})
    files = index_of(tmp_path)
    check_training_images(settings(root), ["as it was"], **files)
    assert np.load(files["labels"]).tolist() == [0, 0, 1]
    assert load_lines(files["samples"]) == ["a/0.png", "a/1.png", "b/0.png"]
    assert load_json(files["classes"]) == ["a", "b"]
    assert load_json(files["record"])["pictures"] == ["as it was"]


def test_a_damaged_training_image_stops_the_check(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "training", {"a": 2, "b": 1})
    (root / "b" / "bad.jpg").write_bytes((root / "b" / "0.png").read_bytes()[:50])
    files = index_of(tmp_path)
    with pytest.raises(StudyError, match=str(root / "b" / "bad.jpg")):
        check_training_images(settings(root), ["as it was"], **files)
    assert not Path(files["classes"]).exists()


def index_with(folder: Path, samples: list[str]) -> tuple[str, str]:
    path, record = str(folder / "samples.txt"), str(folder / "samples.json")
    save_lines(path, samples)
    save_json(record, {"checksums": checksums(samples=path)})
    return path, record


def test_training_images_that_changed_since_the_check_are_refused(tmp_path: Path) -> None:
    found = coloured_training_set(3)
    check_samples(found, *index_with(tmp_path, ["training/0", "training/1", "training/2"]))
    with pytest.raises(StudyError, match=r"changed since they were checked \(2 then, 3 now\)"):
        check_samples(found, *index_with(tmp_path, ["training/0", "training/1"]))
    with pytest.raises(StudyError, match="changed"):
        check_samples(found, *index_with(tmp_path, ["training/0", "training/2", "training/1"]))
