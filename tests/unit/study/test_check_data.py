"""Looking at a study's files and images before its jobs do; images themselves are in test_imagenet.py."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

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
