"""Fashion-MNIST is taken from the first source that has it whole, and what was tried is listed. No network."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scripts.lib.datasets import fashion_mnist
from scripts.lib.jobs.errors import StudyError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)
LABELS = np.array([9, 0, 3, 3, 1, 7], np.uint8)


def contents() -> dict[str, bytes]:
    """The four files of a stand-in for Fashion-MNIST in the idx format."""
    images = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in PIXELS.shape) + PIXELS.tobytes()
    labels = b"\0\0\x08\x01" + len(LABELS).to_bytes(4, "big") + LABELS.tobytes()
    return {name: images if "images" in name else labels for name in fashion_mnist.FILES}


def write_files(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents().items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    return folder


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents().items()}
    monkeypatch.setattr(fashion_mnist, "FILES", checksums)


Source = Callable[[Path], Path]


def use_sources(monkeypatch: pytest.MonkeyPatch, *sources: tuple[str, Source]) -> None:
    monkeypatch.setattr(fashion_mnist, "_sources", lambda named_folder: list(sources))


def failing(error: Exception) -> Source:
    def source(scratch: Path) -> Path:
        raise error

    return source


def test_the_four_files_of_a_named_folder_are_taken(tmp_path: Path) -> None:
    fashion_mnist.fetch(str(write_files(tmp_path / "own")), tmp_path / "data")
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == sorted(f"{n}.gz" for n in fashion_mnist.FILES)
    pixels, labels = fashion_mnist.read(tmp_path / "data", "t10k")
    assert (pixels == PIXELS).all()
    assert labels.tolist() == LABELS.tolist()
    assert labels.dtype == np.int64


def test_a_named_folder_may_be_below_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_files(tmp_path / "own")
    fashion_mnist.fetch("~/own", tmp_path / "data")
    assert len(list((tmp_path / "data").iterdir())) == 4


def test_the_same_files_are_written_whatever_they_were_packed_with(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "own")
    fashion_mnist.fetch(str(folder), tmp_path / "first")
    for name, content in contents().items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=9, mtime=123))
    fashion_mnist.fetch(str(folder), tmp_path / "second")
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_a_file_of_another_checksum_is_refused_by_name(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "own")
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"something else"))
    with pytest.raises(StudyError) as caught:
        fashion_mnist.fetch(str(folder), tmp_path / "data")
    message = str(caught.value)
    assert f"the folder {folder} (datasets/folder)" in message
    assert f"{folder / 't10k-labels-idx1-ubyte.gz'} has checksum" in message
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("damage", ["missing", "truncated", "no gzip"])
def test_a_missing_or_damaged_file_is_refused(damage: str, tmp_path: Path) -> None:
    file = write_files(tmp_path / "own") / "train-images-idx3-ubyte.gz"
    whole = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(whole[:-500] if damage == "truncated" else b"no gzip")
    with pytest.raises(StudyError, match=r"Tried:\n  - the folder"):
        fashion_mnist.fetch(str(tmp_path / "own"), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_damaged_compressed_bytes_are_refused(tmp_path: Path) -> None:
    file = write_files(tmp_path / "own") / "train-images-idx3-ubyte.gz"
    whole = bytearray(file.read_bytes())
    whole[20:60] = b"\xff" * 40
    file.write_bytes(bytes(whole))
    with pytest.raises(StudyError, match=r"Tried:\n  - the folder"):
        fashion_mnist.fetch(str(tmp_path / "own"), tmp_path / "data")


@pytest.mark.parametrize("damage", ["missing", "truncated", "no gzip", "bad deflate", "another file"])
def test_a_file_that_is_damaged_after_it_was_fetched_is_named(damage: str, tmp_path: Path) -> None:
    fashion_mnist.fetch(str(write_files(tmp_path / "own")), tmp_path / "data")
    file = tmp_path / "data" / "t10k-images-idx3-ubyte.gz"
    whole = file.read_bytes()
    contents = {
        "truncated": whole[:-500],
        "no gzip": b"no gzip",
        "bad deflate": whole[:12] + b"\xff" * 40 + whole[52:],
        "another file": (tmp_path / "data" / "train-labels-idx1-ubyte.gz").read_bytes(),
    }
    file.unlink()
    if damage in contents:
        file.write_bytes(contents[damage])
    with pytest.raises(StudyError, match=r"t10k-images-idx3-ubyte\.gz was fetched and verified, .*: delete it and run"):
        fashion_mnist.read(tmp_path / "data", "t10k")
    fashion_mnist.read(tmp_path / "data", "train")


def test_only_the_named_folder_is_tried(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        fashion_mnist.fetch(str(tmp_path / "nowhere"), tmp_path / "data")
    assert str(caught.value).count("\n  - ") == 1
    assert "train-images-idx3-ubyte.gz" in str(caught.value)


def test_the_first_whole_source_is_taken_and_later_ones_are_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_sources(
        monkeypatch,
        ("an empty folder", lambda scratch: tmp_path / "nowhere"),
        ("a download", write_files),
        ("another", failing(AssertionError("must not be asked"))),
    )
    fashion_mnist.fetch(None, tmp_path / "data")
    assert len(list((tmp_path / "data").iterdir())) == 4


def test_everything_that_was_tried_is_listed_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_sources(
        monkeypatch,
        ("first", failing(FileNotFoundError("no such folder"))),
        ("second", failing(RuntimeError("no network\nand more"))),
        ("third", failing(EOFError())),
    )
    with pytest.raises(StudyError) as caught:
        fashion_mnist.fetch(None, tmp_path / "data")
    message = str(caught.value)
    assert "  - first: no such folder\n  - second: no network\n  - third: EOFError\n" in message
    assert "datasets/folder" in message


def test_without_a_named_folder_debian_torchvision_and_apt_are_asked_in_this_order() -> None:
    titles = [title for title, _ in fashion_mnist._sources(None)]
    assert [title.split()[0] for title in titles] == ["Debian's", "torchvision's", "apt-get"]


def test_without_apt_the_last_source_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match="no apt-get"):
        fashion_mnist._apt_download(tmp_path)


def test_a_failing_command_tells_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"ls nowhere failed: .*nowhere"):
        fashion_mnist._run(["ls", "nowhere"], tmp_path)
