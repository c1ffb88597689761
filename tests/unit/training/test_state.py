"""What is kept of an unfinished training, and what of it is used."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from scripts.lib.jobs.errors import StudyError
from scripts.lib.training.inputs import PLAIN
from tests.unit.conftest import (
    small_member,
)
from tests.unit.training.test_supervised import Files, train_small


def interrupted(folder: Path, member: dict[str, Any], monkeypatch: pytest.MonkeyPatch, **of_run: Any) -> Files:
    """A training that stops after its last epoch, before its weights are written."""

    def stop(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("scripts.lib.training.supervised.save_weights", stop)
        with pytest.raises(KeyboardInterrupt):
            train_small(folder, member, **of_run)
    return Files(folder)


def test_a_remainder_of_another_recipe_is_refused_with_the_keys_that_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remainder = interrupted(tmp_path, small_member(optimizer={"lr": 0.5}, seed=2), monkeypatch).resume
    with pytest.raises(StudyError, match=r"began differently: optimizer/lr was 0.5, is 0.1; seed was 2, is 0. Restore"):
        train_small(tmp_path, small_member())
    assert remainder.exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"digest": "b"}, "the training images are not the same"),
        ({"scale": PLAIN | {"precision": "float16"}}, "precision was float32, is float16"),
    ],
)
def test_other_images_or_another_precision_do_not_continue_a_training(
    changed: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same: dict[str, Any] = {"digest": "a", "scale": PLAIN}
    remainder = interrupted(tmp_path, small_member(), monkeypatch, **same).resume
    with pytest.raises(StudyError, match=message):
        train_small(tmp_path, small_member(), **same | changed)
    assert remainder.exists()
    train_small(tmp_path, small_member(), **same)
    assert not remainder.exists()


def test_the_state_is_kept_if_it_cannot_be_read_at_the_moment(tmp_path: Path) -> None:
    Files(tmp_path).resume.mkdir()
    with pytest.raises(StudyError, match=r"cannot be read .*: run again to continue it, or delete"):
        train_small(tmp_path, small_member())


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign"])
def test_a_remainder_that_cannot_be_read_is_not_used(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remainder = interrupted(tmp_path / "a", small_member(), monkeypatch).resume
    whole = remainder.read_bytes()
    remainder.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "foreign": b"no state"}[damage])
    after_damage = train_small(tmp_path / "a", small_member())
    assert after_damage.weights.read_bytes() == train_small(tmp_path / "b", small_member()).weights.read_bytes()


class _Trap:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


def test_a_remainder_with_foreign_objects_is_not_run(tmp_path: Path) -> None:
    content = io.BytesIO()
    torch.save(_Trap(tmp_path / "trace"), content, pickle_module=pickle)
    (tmp_path / "a.pt").write_bytes(content.getvalue())
    train_small(tmp_path, small_member())
    assert not (tmp_path / "trace").exists()
