"""Every picture of a folder is listed once, under a class that is its own; links that would break this are named."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scripts.lib.datasets import imagenet
from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_lines, save_lines
from scripts.lib.networks.vision import torchvision
from tests import miniature_imagenet as miniature
from tests.unit.conftest import read_image_folder

SYNSETS = miniature.synsets(2)
READERS: dict[str, Callable[[Path], ImageSet]] = {
    "image-folder": read_image_folder,
    "imagenet": imagenet.read_folders,
}
reader = pytest.mark.parametrize("kind", READERS)


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two classes with two pictures each, beside a folder that is not part of the data set."""
    for name in SYNSETS:
        for number in range(2):
            picture(tmp_path / "images" / name / f"{number}.png")
    picture(tmp_path / "elsewhere" / "other.png")
    return tmp_path / "images"


def refusal(read: Callable[[Path], ImageSet], root: Path) -> str:
    with pytest.raises(StudyError) as caught:
        read(root)
    return str(caught.value)


# Order and names are torchvision's.


@pytest.mark.parametrize("seed", range(5))
def test_pictures_and_order_are_those_of_torchvision(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    for number in range(40):
        folders = [draw.choice(["a", "b", "a-b", "Ä", ".hidden", "a.png"]) for _ in range(draw.randint(1, 4))]
        suffix = draw.choice([".png", ".PNG", ".jpeg", ".tif", ".txt", "", ".pgm"])
        path = tmp_path.joinpath(*folders, f"{draw.choice('xyz ')}{number}{suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for folder in tmp_path.iterdir():
        (folder / "one.webp").touch()
    expected = torchvision.datasets.ImageFolder(str(tmp_path))
    found = read_image_folder(tmp_path)
    assert found.classes == expected.classes
    assert found.labels.tolist() == expected.targets
    assert found.images.paths == [path for path, _ in expected.samples]  # type: ignore[attr-defined]
    assert found.samples == [str(Path(path).relative_to(tmp_path)) for path, _ in expected.samples]


# Links.


@reader
def test_links_to_pictures_and_to_class_folders_elsewhere_are_followed(kind: str, tree: Path) -> None:
    (tree / SYNSETS[0] / "linked.png").symlink_to("../../elsewhere/other.png")
    shutil.move(tree / SYNSETS[1], tree.parent / "moved")
    (tree / SYNSETS[1]).symlink_to(tree.parent / "moved")
    found = READERS[kind](tree)
    assert found.classes == SYNSETS
    assert found.samples == [
        *(f"{SYNSETS[0]}/{name}.png" for name in ("0", "1", "linked")),
        *(f"{SYNSETS[1]}/{name}.png" for name in ("0", "1")),
    ]
    assert found.labels.tolist() == [0, 0, 0, 1, 1]


def test_a_linked_folder_of_pictures_elsewhere_is_followed(tree: Path) -> None:
    (tree / SYNSETS[0] / "more").symlink_to(tree.parent / "elsewhere")
    assert READERS["image-folder"](tree).samples[2] == f"{SYNSETS[0]}/more/other.png"


@pytest.mark.parametrize("target", [".", "..", "../..", "/", "more/..", f"../{SYNSETS[1]}"])
def test_a_link_that_leads_back_into_the_folder_is_refused(target: str, tree: Path) -> None:
    (tree / SYNSETS[0] / "more").mkdir()
    link = tree / SYNSETS[0] / "link"
    link.symlink_to(target)
    assert f"{link} leads to" in refusal(READERS["image-folder"], tree)


def test_links_that_lead_to_each_other_are_refused(tree: Path) -> None:
    (tree / SYNSETS[0] / "one").symlink_to("two")
    (tree / SYNSETS[0] / "two").symlink_to("one")
    (tree / SYNSETS[0] / "one.png").symlink_to("one.png")
    assert "one.png" in refusal(READERS["image-folder"], tree)


@reader
def test_two_class_folders_that_are_the_same_are_refused(kind: str, tree: Path) -> None:
    shutil.rmtree(tree / SYNSETS[1])
    (tree / SYNSETS[1]).symlink_to(SYNSETS[0])
    message = refusal(READERS[kind], tree)
    assert f"{tree / SYNSETS[1]} leads to" in message
    assert str(tree / SYNSETS[0]) in message


@reader
def test_a_link_to_a_picture_of_another_class_is_refused(kind: str, tree: Path) -> None:
    link = tree / SYNSETS[1] / "mine.png"
    link.symlink_to(f"../{SYNSETS[0]}/0.png")
    message = refusal(READERS[kind], tree)
    assert f"{link} and {tree / SYNSETS[0] / '0.png'} are the same picture" in message
    assert "copy" in message


@reader
def test_two_links_to_one_picture_are_refused(kind: str, tree: Path) -> None:
    first, second = (tree / name / "linked.png" for name in SYNSETS)
    for link in (first, second):
        link.symlink_to("../../elsewhere/other.png")
    assert f"{second} and {first} are the same picture" in refusal(READERS[kind], tree)


@reader
def test_a_chain_of_links_ends_at_the_same_picture(kind: str, tree: Path) -> None:
    (tree.parent / "elsewhere" / "chain.png").symlink_to(tree / SYNSETS[0] / "0.png")
    (tree / SYNSETS[1] / "linked.png").symlink_to(tree.parent / "elsewhere" / "chain.png")
    assert "are the same picture" in refusal(READERS[kind], tree)


@reader
def test_copies_and_hard_links_are_pictures_of_their_own(kind: str, tree: Path) -> None:
    os.link(tree / SYNSETS[0] / "0.png", tree / SYNSETS[0] / "copy.png")
    assert len(READERS[kind](tree)) == 5


@reader
def test_a_link_to_nothing_is_named(kind: str, tree: Path) -> None:
    (tree / SYNSETS[0] / "gone.png").symlink_to("nowhere.png")
    message = refusal(READERS[kind], tree)
    assert f"{tree / SYNSETS[0] / 'gone.png'} is a link to nowhere.png, which does not exist" in message


@reader
def test_a_pipe_is_named_and_not_waited_for(kind: str, tree: Path) -> None:
    os.mkfifo(tree / SYNSETS[0] / "pipe.png")
    assert f"{tree / SYNSETS[0] / 'pipe.png'} is not a file" in refusal(READERS[kind], tree)


@reader
def test_a_folder_that_cannot_be_read_is_named(kind: str, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: str) -> Any:
        if os.fspath(path) == str(tree / SYNSETS[1]):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    message = refusal(READERS[kind], tree)
    assert f"{tree / SYNSETS[1]} cannot be read (Permission denied)" in message


# Names.


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"two\nlines.png", b"return\r.png"])
@reader
def test_a_name_that_no_list_of_samples_can_hold_is_refused(kind: str, name: bytes, tree: Path) -> None:
    shutil.copy(tree / SYNSETS[0] / "0.png", os.fsencode(tree / SYNSETS[0]) + b"/" + name)
    message = refusal(READERS[kind], tree)
    message.encode("utf-8")  # can be written to any log
    assert "\n" not in message
    shown = {b"caf\xe9.png": r"caf\xe9.png", b"two\nlines.png": r"two\nlines.png", b"return\r.png": r"return\r.png"}
    assert f"{tree / SYNSETS[0]}/{shown[name]}" in message
    assert "rename" in message


@pytest.mark.parametrize("name", [b"caf\xe9", b"two\nlines"])
def test_a_class_folder_with_such_a_name_is_refused(name: bytes, tree: Path) -> None:
    shutil.copytree(tree / SYNSETS[0], os.fsdecode(os.fsencode(tree) + b"/" + name))
    assert "rename" in refusal(READERS["image-folder"], tree)


@reader
def test_all_other_names_come_back_from_the_list_of_samples(kind: str, tree: Path, tmp_path: Path) -> None:
    names = ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\t", " ", "é", "猫", "$", "\\n", "'"]
    for name in names:
        picture(tree / SYNSETS[0] / f"a{name}b.png")
    found = READERS[kind](tree)
    assert len(found) == 4 + len(names)
    save_lines(tmp_path / "samples.txt", found.samples)
    assert load_lines(tmp_path / "samples.txt") == found.samples


# Numbered folders of ImageNet-V2.


def test_a_folder_of_v2_whose_number_has_zeros_in_front_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "007" / "a.png")
    assert "007" in refusal(imagenet.read_v2, tmp_path)
