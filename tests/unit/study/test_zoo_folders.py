"""Folders of predictions and labels for `make init`: which sets they hold, and what does not fit."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests.unit.study.test_init import run, zoo_of


def labels_among_members(folder: Path) -> None:
    for name in ("clean", "noise"):
        (folder / "labels" / f"{name}.npy").rename(folder / "zoo" / name / "true.npy")


FAULTS = {
    "no labels": (lambda folder: None, None, "has 2 validation sets (clean, noise); name their labels"),
    "nothing": (lambda folder: None, "nowhere", "is neither a file nor a folder"),
    "no set": (
        lambda folder: (folder / "labels/noise.npy").unlink(),
        "labels",
        "no labels for the validation sets noise",
    ),
    "spare labels": (
        lambda folder: shutil.copy(folder / "labels/noise.npy", folder / "labels/fog.npy"),
        "labels",
        "there are labels for fog, but",
    ),
    "twice": (
        lambda folder: (folder / "labels/noise.csv").write_text("label\n0\n"),
        "labels",
        "are both labels of 'noise'",
    ),
    "among the members": (labels_among_members, "zoo/{dataset}/true.npy", "is among the files of predictions"),
    "a set and sets": (
        lambda folder: shutil.copy(folder / "zoo/clean/a.npy", folder / "zoo/a.npy"),
        "labels",
        "has files of predictions (a.npy) and folders with such files (clean, noise)",
    ),
    "name": (
        lambda folder: (folder / "zoo/noise").rename(folder / "zoo/much noise"),
        "labels",
        "zoo/much noise cannot be the name of a validation set",
    ),
    "rows": (
        lambda folder: np.save(folder / "labels/noise.npy", np.arange(3)),
        "labels",
        "has 9 rows for the 3 samples of the validation set",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_sets_that_do_not_fit_are_refused_with_what_to_do(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo_of(tmp_path, {"clean": (9, "ab"), "noise": (9, "ab")})
    damage, labels, message = FAULTS[fault]
    damage(tmp_path)
    arguments = [] if labels is None else ["--labels", tmp_path / labels]
    assert run(monkeypatch, tmp_path / "zoo", *arguments, "--output", tmp_path / "mine.yaml") == 1
    assert message in capsys.readouterr().out
    assert not (tmp_path / "mine.yaml").exists()


def test_labels_in_a_folder_beside_the_sets_are_no_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = zoo_of(tmp_path, {"clean": (9, "ab"), "noise": (9, "ab")}, labels="zoo/labels/{}.npy")
    assert run(monkeypatch, zoo, "--labels", zoo / "labels", "--output", tmp_path / "study.yaml") == 0
    study = yaml.safe_load((tmp_path / "study.yaml").read_text(encoding="utf-8"))
    assert [dataset["id"] for dataset in study["datasets"]["validation"]] == ["clean", "noise"]
