"""Finished parts are kept and used again, unless something that decides them has changed or they are damaged."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.lib.jobs import storage
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.finished_parts import FinishedParts
from scripts.lib.jobs.storage import SECONDS_UNTIL_ABANDONED, save_array, save_json

KEY = {"weights": "f00d", "samples": ["a", "b"]}


class Work:
    """Writes a part, and counts how often it did."""

    def __init__(self, value: float = 1) -> None:
        self.value, self.times = value, 0

    def __call__(self, folder: Path) -> None:
        assert not folder.exists()
        self.times += 1
        save_array(folder / "predictions.npy", np.full(3, self.value))
        save_json(folder / "predictions.json", {"checksums": checksums(predictions=folder / "predictions.npy")})


@pytest.fixture
def provide(tmp_path: Path) -> Callable[..., np.ndarray]:
    """Ask for a part in a new job; returns the array of its output."""

    def provided(work: Work, **changes: Any) -> np.ndarray:
        number = len(list(tmp_path.glob("output*")))
        output = tmp_path / f"output{number}"
        FinishedParts(tmp_path / "kept").provide(KEY | changes, output, work)
        assert sorted(path.name for path in output.iterdir()) == ["predictions.json", "predictions.npy"]
        return np.load(output / "predictions.npy")

    return provided


def test_a_part_is_computed_once(provide: Callable[..., np.ndarray]) -> None:
    work = Work(7)
    np.testing.assert_array_equal(provide(work), [7, 7, 7])
    np.testing.assert_array_equal(provide(work), [7, 7, 7])
    assert work.times == 1


@pytest.mark.parametrize("change", [{"weights": "beef"}, {"samples": ["b", "a"]}, {"another": None}])
def test_a_part_is_computed_again_if_anything_that_decides_it_changed(
    provide: Callable[..., np.ndarray], change: dict[str, Any]
) -> None:
    provide(Work(1))
    np.testing.assert_array_equal(provide(Work(2), **change), [2, 2, 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda part: flip(part / "predictions.npy"),
        lambda part: (part / "predictions.npy").unlink(),
        lambda part: (part / "predictions.json").unlink(),
        lambda part: (part / "predictions.json").write_text("[]"),
        lambda part: (part / "predictions.json").write_text("{"),
        lambda part: save_json(part / "predictions.json", {"checksums": {"predictions": None}}),
    ],
)
def test_a_damaged_part_is_computed_again(
    provide: Callable[..., np.ndarray], tmp_path: Path, damage: Callable[[Path], Any]
) -> None:
    provide(Work(1))
    [part] = (tmp_path / "kept").iterdir()
    damage(part)
    np.testing.assert_array_equal(provide(Work(2)), [2, 2, 2])


def test_a_job_that_fails_leaves_no_part_and_those_before_it_are_kept(
    provide: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    def fails(folder: Path) -> None:
        save_array(folder / "predictions.npy", np.zeros(3))
        raise ValueError("broken")

    work = Work()
    provide(work)
    with pytest.raises(ValueError, match="broken"):
        FinishedParts(tmp_path / "kept").provide(KEY | {"set": "other"}, tmp_path / "failed", fails)
    assert not (tmp_path / "failed").exists()
    assert len(list((tmp_path / "kept").iterdir())) == 1
    provide(work)
    assert work.times == 1


def test_a_part_that_another_process_finishes_first_is_used(tmp_path: Path) -> None:
    kept = tmp_path / "kept"

    def meanwhile(folder: Path) -> None:
        Work(2)(folder)
        name = folder.name.split(".")[1]
        Work(1)(kept / name)

    FinishedParts(kept).provide(KEY, tmp_path / "output", meanwhile)
    np.testing.assert_array_equal(np.load(tmp_path / "output/predictions.npy"), [1, 1, 1])
    assert len(list(kept.iterdir())) == 1


def test_parts_that_are_no_longer_asked_for_are_removed_but_not_what_may_still_be_written(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    FinishedParts(kept).provide(KEY | {"weights": "old"}, tmp_path / "old", Work(1))
    for name in (".young.host-1.part", ".old.host-1.part"):
        (kept / name).mkdir()
    long_ago = (kept / ".old.host-1.part").stat().st_mtime - SECONDS_UNTIL_ABANDONED - 1
    os.utime(kept / ".old.host-1.part", (long_ago, long_ago))
    parts = FinishedParts(kept)
    parts.provide(KEY, tmp_path / "new", Work(2))
    parts.remove_others()
    assert sorted(path.name for path in kept.iterdir()) == sorted([".young.host-1.part", *parts.used])
    np.testing.assert_array_equal(np.load(tmp_path / "old/predictions.npy"), [1, 1, 1])  # what was linked is left


def test_nothing_is_removed_where_nothing_was_kept(tmp_path: Path) -> None:
    FinishedParts(tmp_path / "none").remove_others()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("links", [True, False])
def test_outputs_are_links_or_copies_where_there_are_no_links(
    provide: Callable[..., np.ndarray], tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, path: Path) -> None:
        raise OSError("the file system has no hard links")

    if not links:
        monkeypatch.setattr(storage.os, "link", refuse)
    np.testing.assert_array_equal(provide(Work(5)), [5, 5, 5])
    [part] = (tmp_path / "kept").iterdir()
    assert (part / "predictions.npy").samefile(tmp_path / "output0/predictions.npy") == links
