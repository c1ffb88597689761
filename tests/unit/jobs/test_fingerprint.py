"""What changes the fingerprint of a user's file or folder."""

import os
from pathlib import Path

import pytest

from scripts.lib.jobs import fingerprint as module


def fingerprint(path: Path, folders_only: bool = False) -> str:
    module.fingerprint.cache_clear()
    return module.fingerprint(path, folders_only)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for name in ("a/1.png", "a/2.png", "b/1.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        os.utime(path, ns=(10**18, 10**18))
    return root


def age(path: Path, years: int) -> None:
    """As `cp -p` of an old file leaves it."""
    os.utime(path, ns=(years * 10**16, years * 10**16))


def test_a_small_file_is_told_by_its_content_whatever_its_time(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("label\n1\n")
    first = fingerprint(path)
    age(path, 30)
    assert fingerprint(path) == first
    path.write_text("label\n2\n")
    age(path, 1)
    assert fingerprint(path) != first


def test_a_large_file_is_told_by_size_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_UP_TO", 3)
    path = tmp_path / "labels.csv"
    path.write_text("12345")
    age(path, 30)
    first = fingerprint(path)
    age(path, 20)
    assert fingerprint(path) != first
    age(path, 30)
    assert fingerprint(path) == first
    path.write_text("123456")
    age(path, 30)
    assert fingerprint(path) != first


def test_pictures_that_are_added_removed_replaced_or_moved_are_seen(folder: Path) -> None:
    seen = [fingerprint(folder)]
    (folder / "a/3.png").write_bytes(b"new")
    seen.append(fingerprint(folder))
    (folder / "a/3.png").unlink()
    assert fingerprint(folder) == seen[0]
    (folder / "a/1.png").write_bytes(b"other bytes")
    age(folder / "a/1.png", 1)
    seen.append(fingerprint(folder))
    (folder / "a/2.png").rename(folder / "b/2.png")
    seen.append(fingerprint(folder))
    assert len(set(seen)) == len(seen)


def test_folders_alone_tell_what_is_added_removed_or_moved_but_not_what_is_overwritten(folder: Path) -> None:
    for path in (folder, folder / "a", folder / "b"):
        age(path, 30)
    first = fingerprint(folder, folders_only=True)
    (folder / "a/1.png").write_bytes(b"other bytes")
    assert fingerprint(folder, folders_only=True) == first
    (folder / "a/2.png").rename(folder / "b/2.png")
    assert fingerprint(folder, folders_only=True) != first


def test_a_folder_with_a_link_to_itself_and_one_to_nothing_has_a_fingerprint(folder: Path) -> None:
    (folder / "a" / "again").symlink_to(folder)
    (folder / "b" / "nothing.png").symlink_to(folder / "nowhere")
    first = fingerprint(folder)
    assert first == fingerprint(folder)
    (folder / "a/1.png").write_bytes(b"longer than before")
    assert fingerprint(folder) != first


def test_names_that_are_not_utf_8_have_a_fingerprint(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/a/\xff.png")).write_bytes(b"1")
    assert fingerprint(folder)


def test_what_is_not_there_says_so_instead_of_failing(tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "nothing").startswith("not readable")
