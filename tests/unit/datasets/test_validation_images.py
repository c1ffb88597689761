"""Validation sets are cut and stored as every member sees them; classes that differ from the training's are named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.lib.datasets.spec import DATASET_KINDS
from scripts.lib.datasets.validation_images import make_validation_set
from scripts.lib.datasets.validation_sets import load_validation_set
from scripts.lib.jobs.errors import StudyError
from tests.unit.conftest import write_image_folder


def settings(kind: str = "digits", **changes: Any) -> dict[str, Any]:
    return {"kind": kind, "folder": None, "image_size": 32, "resize": None, "training": {"folder": None}} | changes


def validation_entry(**changes: Any) -> dict[str, Any]:
    return {"id": "clean", "folder": None, "images": None, "layout": "folders"} | changes


def paths(folder: Path) -> dict[str, str]:
    names = {"images": "images.npy", "labels": "labels.npy", "samples": "samples.txt", "record": "record.json"}
    return {key: str(folder / name) for key, name in names.items()}


def test_a_validation_set_is_stored_as_every_member_sees_it(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "validation", {"a": 3, "b": 2})
    files = paths(tmp_path)
    entry = validation_entry(folder=str(root))
    make_validation_set(
        settings("image-folder", resize=36), entry, 0, ["a", "b"], **files, scored=str(tmp_path / "scored.json")
    )
    stored = load_validation_set(**files)
    assert stored.images.shape == (5, 32, 32, 3)
    assert stored.images.dtype == np.uint8
    assert stored.labels.tolist() == [0, 0, 0, 1, 1]
    assert stored.samples[:2] == ["a/0.png", "a/1.png"]
    assert stored.images[4, 16, 16].tolist() == [50, 10, 200]


def test_a_part_of_a_validation_set_depends_on_the_seed_of_the_study_only(tmp_path: Path) -> None:
    stored = []
    for run, seed in enumerate([1, 1, 2]):
        files = paths(tmp_path / str(run))
        make_validation_set(
            settings(),
            validation_entry(images=20),
            seed,
            list("0123456789"),
            **files,
            scored=str(tmp_path / "scored.json"),
        )
        stored.append(load_validation_set(**files))
    first, again, other = stored
    assert len(first.samples) == 20
    assert first.digest == again.digest != other.digest
    assert (first.images == again.images).all()
    everything = DATASET_KINDS["digits"].read_validation({}, 0)
    labels = dict(zip(everything.samples, everything.labels, strict=True))
    assert first.labels.tolist() == [labels[sample] for sample in first.samples]


def test_more_validation_images_than_there_are_names_the_key(tmp_path: Path) -> None:
    entry = validation_entry(images=10_000)
    with pytest.raises(
        StudyError, match="datasets/validation/clean: 10000 images are asked for, but there are only 599"
    ):
        make_validation_set(
            settings(), entry, 0, list("0123456789"), **paths(tmp_path), scored=str(tmp_path / "scored.json")
        )


def test_other_classes_than_in_training_are_told_apart(tmp_path: Path) -> None:
    root = write_image_folder(tmp_path / "validation", {"cat": 1, "dog": 1, "cow": 1})
    entry = validation_entry(folder=str(root))
    with pytest.raises(StudyError) as caught:
        make_validation_set(
            settings("image-folder"),
            entry,
            0,
            ["cat", "dog", "eel", "fox"],
            **paths(tmp_path),
            scored=str(tmp_path / "scored.json"),
        )
    message = str(caught.value)
    assert f"datasets/validation/clean ({root}) has 3 classes, the training images have 4" in message
    assert "Missing: eel, fox; not in training: cow" in message
    assert not Path(paths(tmp_path)["images"]).exists()
