"""A first study file is valid, names what was found, and overwrites nothing."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

from scripts.lib.jobs.paths import ROOT
from scripts.lib.networks.vision import timm
from scripts.lib.study.estimate import report
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
    said = capsys.readouterr().out
    assert "2 (timm): test_convnext, test_vit" in said
    assert "notes.txt: another suffix than the members' .safetensors" in said
    assert "2: cat, dog" in said
    assert "of which inference" in said
    assert "0.00" not in said
    study = resolve(yaml.safe_load(output.read_text(encoding="utf-8")))
    assert [member["model"] for member in study["members"]] == ["test_convnext", "test_vit"]
    assert output.read_text(encoding="utf-8").startswith("# Written by `make init`")
    before = output.read_text(encoding="utf-8")
    assert run(monkeypatch, *arguments) == 1
    assert "exists already" in capsys.readouterr().out
    assert output.read_text(encoding="utf-8") == before


def zoo_of(folder: Path, sets: dict[str, tuple[int, str]], labels: str = "labels/{}.npy") -> Path:
    """Files of predictions in `folder`/zoo: for each set, its number of samples and the names of its members."""
    for number, (name, (samples, members)) in enumerate(sets.items()):
        (folder / "zoo" / name).mkdir(parents=True)
        truth = np.random.default_rng(number).integers(0, 3, samples)
        for member in members:
            np.save(folder / "zoo" / name / f"{member}.npy", np.eye(3)[truth])
        path = folder / labels.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, truth)
    return folder / "zoo"


def study_in(path: Path) -> dict[str, Any]:
    return resolve(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_files_of_one_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = zoo_of(tmp_path, {"": (30, "ab")}, "labels.npy")
    output = tmp_path / "mine.yaml"
    assert run(monkeypatch, zoo, "--output", output) == 1
    assert "LABELS: files of predictions need a file of labels, but no file is named" in capsys.readouterr().out
    assert run(monkeypatch, zoo, "--labels", tmp_path / "labels.npy", "--output", output) == 0
    assert study_in(output)["name"] == "mine"
    assert "clean  30 samples" in capsys.readouterr().out


@pytest.mark.parametrize("labels", ["labels", "labels/{dataset}.npy", "labels/*.npy"])
def test_several_sets_are_found_and_summarised(
    labels: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = zoo_of(tmp_path, {"blur": (20, "abc"), "clean": (30, "abc"), "noise": (10, "abc")})
    (zoo / "clean" / "notes.txt").write_text("not a member")
    (zoo / "clean" / "a.json").write_text("{}")
    (zoo / "old").mkdir()
    output = tmp_path / "mine.yaml"
    assert run(monkeypatch, zoo, "--labels", tmp_path / labels, "--output", output) == 0
    said, study = capsys.readouterr().out, study_in(output)
    assert [dataset["id"] for dataset in study["datasets"]["validation"]] == ["clean", "blur", "noise"]
    assert [member["id"] for member in study["members"]] == ["a", "b", "c"]
    for text in (
        "clean  30 samples",
        "(the clean set; CLEAN=… names another)",
        "blur   20 samples",
        "3: 0, 1, 2",
        "3 (predictions): a, b, c",
    ):
        assert text in said
    assert f"{zoo}/clean/notes.txt: another suffix than the members' .npy" in said
    assert f"{zoo}/old: no files of predictions in this folder" in said
    assert "a.json" not in said
    assert "4 on each set (all), of 2 to 3 members" in said
    assert re.search(r"time +about [1-9][0-9]* minutes? on the", said)
    assert re.search(r"disk +about [1-9][0-9.]* MB below results/mine", said)
    assert f"--configfile {output}" in said


def test_it_says_as_what_the_first_files_were_read_and_how_many_samples_have_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = zoo_of(tmp_path, {"clean": (30, "ab"), "noise": (10, "ab")})
    arguments = (zoo, "--labels", tmp_path / "labels", "--output")
    assert run(monkeypatch, *arguments, tmp_path / "1.yaml") == 0
    assert "values          read as probabilities in the files of a\n" in capsys.readouterr().out
    ids = [f"image-{number}" for number in range(30)]
    for member in "ab":
        (zoo / "noise" / f"{member}.npy").unlink()
        np.save(zoo / "noise" / f"{member}.npy", 5 * np.eye(3)[np.arange(10) % 3])
        (zoo / "clean" / f"{member}.npy").unlink()
        np.savez(zoo / "clean" / f"{member}.npz", logits=np.eye(3)[np.arange(30) % 3], sample=ids)
    for member in "ab":
        np.savez(zoo / "noise" / f"{member}.npz", logits=np.load(zoo / "noise" / f"{member}.npy"), sample=ids[:10])
        (zoo / "noise" / f"{member}.npy").unlink()
    for name, count in (("clean", 3), ("noise", 10)):
        rows = [f"image-{number},{number % 3}" for number in range(count)]
        (tmp_path / "labels" / f"{name}.npy").unlink()
        (tmp_path / "labels" / f"{name}.csv").write_text("\n".join(["sample,label", *rows]) + "\n")
    assert run(monkeypatch, *arguments, tmp_path / "2.yaml") == 0
    said = capsys.readouterr().out
    assert "values          read as probabilities on clean and logits on noise in the files of a\n" in said
    assert "clean  3 of the 30 predicted samples, " in said
    assert "noise  10 samples, " in said


def test_the_clean_set_can_be_named_and_labels_can_be_one_file_or_beside_the_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = zoo_of(tmp_path, {"blur": (20, "ab"), "day": (20, "ab")})
    for name in ("blur", "day"):  # another suffix than the members'
        truth = np.load(tmp_path / "labels" / f"{name}.npy")
        (zoo / name / "true.csv").write_text("\n".join(["label", *map(str, truth)]) + "\n")
    arguments = (zoo, "--labels", zoo / "{dataset}" / "true.csv")
    assert run(monkeypatch, *arguments, "--clean", "day", "--output", tmp_path / "1.yaml") == 0
    assert [dataset["id"] for dataset in study_in(tmp_path / "1.yaml")["datasets"]["validation"]] == ["day", "blur"]
    one = tmp_path / "one.csv"
    one.write_text((zoo / "day" / "true.csv").read_text())
    assert run(monkeypatch, zoo, "--labels", one, "--output", tmp_path / "2.yaml") == 0
    assert {dataset["labels"] for dataset in study_in(tmp_path / "2.yaml")["datasets"]["validation"]} == {str(one)}


def test_members_that_lack_a_file_are_refused_or_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = zoo_of(tmp_path, {"clean": (9, "abc"), "noise": (9, "abd")})
    arguments = (zoo, "--labels", tmp_path / "labels", "--output", tmp_path / "mine.yaml")
    assert run(monkeypatch, *arguments) == 1
    said = capsys.readouterr().out
    assert f"{zoo}/{{dataset}}/c.npy: no file for noise" in said
    assert f"{zoo}/{{dataset}}/d.npy: no file for clean" in said
    assert "SKIP_INCOMPLETE=1" in said
    assert not (tmp_path / "mine.yaml").exists()
    assert run(monkeypatch, *arguments, "--skip-incomplete") == 0
    said = capsys.readouterr().out
    assert "2 (predictions): a, b" in said
    assert said.count("c.npy: no file for noise") == said.count("d.npy: no file for clean") == 1


def test_a_study_of_predictions_is_estimated_in_units_that_are_not_zero(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = zoo_of(tmp_path, {"clean": (9, "abc"), "noise": (9, "abc")})
    assert run(monkeypatch, zoo, "--labels", tmp_path / "labels", "--output", tmp_path / "mine.yaml") == 0
    capsys.readouterr()
    report(study_in(tmp_path / "mine.yaml"), torch.device("cpu"), devices=1)
    said = capsys.readouterr().out
    assert re.search(r"tables, figures and report +[1-9][0-9.]* (s|min) ", said)
    assert "0.00" not in said
    assert "images" not in said


def test_tables_beside_models_are_no_members_where_images_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = tmp_path / "zoo"
    zoo.mkdir()
    for name in ("test_vit", "test_convnext"):
        save_file(timm.create_model(name, num_classes=2).state_dict(), zoo / f"{name}.safetensors")
    for name in ("a", "b", "c"):
        (zoo / f"{name}.csv").write_text("epoch,loss\n")
    images = pictures(tmp_path / "images" / "deep")  # one folder for each class, with folders in it
    (images / "cat" / "more").mkdir()
    (images / "cat" / "1.png").rename(images / "cat" / "more" / "1.png")
    assert run(monkeypatch, zoo, "--images", images, "--output", tmp_path / "study.yaml") == 0
    assert "2 (timm)" in capsys.readouterr().out


def test_a_clean_set_that_there_is_not_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = zoo_of(tmp_path, {"day": (9, "ab"), "night": (9, "ab")})
    assert run(monkeypatch, zoo, "--labels", tmp_path / "labels", "--clean", "dusk") == 1
    assert "CLEAN: 'dusk' is none of the validation sets" in capsys.readouterr().out


def test_what_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, said in [(tmp_path / "gone", "is not a folder"), (tmp_path, "has no file that ends in")]:
        assert run(monkeypatch, folder) == 1
        assert said in capsys.readouterr().out
    (tmp_path / "x.onnx").write_bytes(b"x")
    assert run(monkeypatch, tmp_path) == 1
    assert "IMAGES: the files are models: name a folder" in capsys.readouterr().out
    assert run(monkeypatch, tmp_path, "--images", str(tmp_path / "none")) == 1
    assert "none is not a folder" in capsys.readouterr().out
    assert run(monkeypatch, tmp_path, "--images", str(tmp_path), "--labels", "labels.csv") == 1
    assert "LABELS: the files are models" in capsys.readouterr().out
    assert run(monkeypatch, tmp_path / "a[1]") == 1
    assert "is not a folder" in capsys.readouterr().out
    (tmp_path / "a[1]").mkdir()
    assert run(monkeypatch, tmp_path / "a[1]") == 1
    assert "which the study file would read as a pattern" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["my zoo.yaml", ".yaml", "_zoo.yaml", "zoö.yaml"])
def test_a_file_whose_name_no_study_may_have_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = zoo_of(tmp_path, {"clean": (9, "ab"), "noise": (9, "ab")})
    assert run(monkeypatch, zoo, "--labels", tmp_path / "labels", "--output", tmp_path / name) == 1
    said = capsys.readouterr().out
    assert said.startswith(
        f"Error: OUTPUT: the file's name without suffix, {Path(name).stem!r}, becomes the study's name"
    )
    assert "letters, digits, `.`, `_` and `-`, beginning with a letter or digit" in said
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(("value", "given"), [("1", True), ("yes", True), ("0", False), ("no", False), ("", False)])
def test_the_makefile_turns_a_switch_off(value: str, given: bool) -> None:
    command = ["make", "--dry-run", "-C", str(ROOT), "init", "MODELS=zoo", f"SKIP_INCOMPLETE={value}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ("--skip-incomplete" in said) == given
