"""A user's folders are read as torchvision reads them; what is missing is named."""

from pathlib import Path

import numpy as np
import pytest

from scripts.lib.jobs.errors import StudyError
from tests.unit.conftest import read_image_folder, write_image_folder


def test_an_image_folder_is_read_in_alphabetical_order(tmp_path: Path) -> None:
    found = read_image_folder(write_image_folder(tmp_path, {"b": 2, "a": 1}))
    assert found.classes == ["a", "b"]
    assert found.samples == ["a/0.png", "b/0.png", "b/1.png"]
    assert found.labels.tolist() == [0, 1, 1]
    assert found.labels.dtype == np.int64
    assert found.images[2].getpixel((0, 0)) == (0, 10, 200)


def test_files_that_are_no_images_by_name_are_left_out(tmp_path: Path) -> None:
    write_image_folder(tmp_path, {"a": 1, "b": 1})
    (tmp_path / "a" / "notes.txt").write_text("about these images")
    assert read_image_folder(tmp_path).samples == ["a/0.png", "b/0.png"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=f"the dataset folder {tmp_path / 'absent'} does not exist"):
        read_image_folder(tmp_path / "absent")


@pytest.mark.parametrize("empty", ["no folders", "one class without images"])
def test_a_folder_without_images_is_named(empty: str, tmp_path: Path) -> None:
    if empty == "one class without images":
        write_image_folder(tmp_path, {"a": 1, "empty": 0})
    with pytest.raises(StudyError, match=f"the dataset folder {tmp_path} has no images, or a class without images"):
        read_image_folder(tmp_path)
