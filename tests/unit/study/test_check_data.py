"""Looking at a study's files and images before its jobs do; images themselves are in test_imagenet.py."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from scripts.lib.study import check_data


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of two files of predictions, in the folder that it is checked in."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "labels"):
        np.save(f"{name}.npy", np.eye(3))
    members = [{"id": name, "kind": "predictions", "file": f"{name}.npy"} for name in ("a", "b")]
    datasets = {"kind": "predictions", "validation": [{"id": "clean", "labels": "labels.npy"}]}
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({"name": "files", "datasets": datasets, "members": members}))
    monkeypatch.setattr(sys, "argv", ["check_data", str(path)])
    return path


def test_files_that_are_there_are_counted(study: Path, capsys: pytest.CaptureFixture) -> None:
    assert check_data.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok    files: all 3 that the study names exist (labels, predictions, weights, …); jobs check their content",
        "Nothing is wrong.",
    ]


def test_a_file_that_is_missing_is_named(study: Path, capsys: pytest.CaptureFixture) -> None:
    Path("b.npy").unlink()
    assert check_data.main() == 1
    assert "FAULT files: " in (said := capsys.readouterr().out)
    assert "members/1 (b)/file: b.npy does not exist" in said


@pytest.fixture
def without_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pictures of two validation sets, in the folders `first` and `second`, of a study that trains nothing."""
    monkeypatch.chdir(tmp_path)
    for folder in ("first/cat", "first/dog", "second/cat", "second/dog"):
        Path(folder).mkdir(parents=True)
        Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(f"{folder}/1.png")
    validation: list[dict[str, Any]] = [{"id": name, "folder": name} for name in ("first", "second")]
    validation.append({"id": "noise", "of": "first", "corruption": "noise", "severity": 3})
    members = [{"id": name, "kind": "timm", "model": "test_vit"} for name in ("a", "b")]
    study = {"name": "own", "datasets": {"kind": "image-folder", "validation": validation}, "members": members}
    Path("study.yaml").write_text(yaml.safe_dump(study))
    monkeypatch.setattr(sys, "argv", ["check_data", "study.yaml"])
    return tmp_path


def test_a_study_without_training_images_has_the_classes_of_the_first_set(
    without_training: Path, capsys: pytest.CaptureFixture
) -> None:
    assert check_data.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok    first: 2 images of 2 classes (1 to 1 each), 2 decoded",
        "ok    second: 2 images of 2 classes (1 to 1 each), 2 decoded",
        "Nothing is wrong.",
    ]


def test_another_set_is_compared_with_the_first(without_training: Path, capsys: pytest.CaptureFixture) -> None:
    (without_training / "second/dog").rename(without_training / "second/newt")
    assert check_data.main() == 1
    ok, fault, *_ = capsys.readouterr().out.splitlines()
    assert ok.startswith("ok    first: ")
    assert fault.startswith("FAULT second: ")
    assert "Missing: dog" in fault


def test_if_the_first_set_has_faults_the_others_say_so(without_training: Path, capsys: pytest.CaptureFixture) -> None:
    (without_training / "first/dog/1.png").unlink()
    assert check_data.main() == 1
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("FAULT first: the dataset folder first has no images")
    assert second == (
        "FAULT second: cannot be compared with the classes of the first validation set: correct the faults there first."
    )
