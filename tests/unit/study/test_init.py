"""A first study file is valid, names what was found, and overwrites nothing."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.torch import save_file

from scripts.lib.networks.vision import timm
from scripts.lib.study.init import main
from scripts.lib.study.resolve import resolve


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["init", *map(str, arguments)])
    return main()


def pictures(folder: Path) -> Path:
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(folder / name / "1.png")
    return folder


def test_a_folder_of_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo, output = tmp_path / "zoo", tmp_path / "study.yaml"
    zoo.mkdir()
    for name in ("test_vit", "test_convnext"):
        save_file(timm.create_model(name, num_classes=2).state_dict(), zoo / f"{name}.safetensors")
    (zoo / "notes.txt").write_text("not a model")
    arguments = (zoo, "--images", pictures(tmp_path / "images"), "--output", output)
    assert run(monkeypatch, *arguments) == 0
    assert "2 members (timm)" in capsys.readouterr().out
    study = resolve(yaml.safe_load(output.read_text(encoding="utf-8")))
    assert [member["model"] for member in study["members"]] == ["test_convnext", "test_vit"]
    assert output.read_text(encoding="utf-8").startswith("# Written by `make init`")
    before = output.read_text(encoding="utf-8")
    assert run(monkeypatch, *arguments) == 1
    assert "exists already" in capsys.readouterr().out
    assert output.read_text(encoding="utf-8") == before


def test_files_of_predictions_need_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "zoo").mkdir()
    for name in "ab":
        np.save(tmp_path / "zoo" / f"{name}.npy", np.eye(3))
    np.save(tmp_path / "labels.npy", np.arange(3))
    output = tmp_path / "mine.yaml"
    assert run(monkeypatch, tmp_path / "zoo", "--output", output) == 1
    assert "LABELS" in capsys.readouterr().out
    assert run(monkeypatch, tmp_path / "zoo", "--labels", tmp_path / "labels.npy", "--output", output) == 0
    assert resolve(yaml.safe_load(output.read_text(encoding="utf-8")))["name"] == "mine"


def test_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, said in [(tmp_path / "gone", "is not a folder"), (tmp_path, "has no file that ends in")]:
        assert run(monkeypatch, folder) == 1
        assert said in capsys.readouterr().out
    (tmp_path / "x.onnx").write_bytes(b"x")
    assert run(monkeypatch, tmp_path) == 1
    assert "IMAGES: None must be a folder" in capsys.readouterr().out
