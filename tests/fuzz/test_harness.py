"""The fuzz test itself: it finds what it should, keeps it, and its own readers agree with the libraries."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from scripts.lib.jobs.errors import StudyError
from tests.fuzz import __main__ as command
from tests.fuzz.cases import ACCEPTED, INTENTION, REFUSED, Case, Refusal, Target, attempt, time_limit, write
from tests.fuzz.engine import Hunt, by_atheris, replay


def raising(error: BaseException) -> Callable[[], Any]:
    def read() -> Any:
        raise error

    return read


# Outcomes.


def test_a_study_error_that_names_the_file_is_a_refusal() -> None:
    assert attempt(raising(StudyError("m.csv is empty")), "m.csv") == Refusal("m.csv is empty")
    assert attempt(lambda: 3, "m.csv") == 3


@pytest.mark.parametrize(
    "error",
    [
        ValueError("m.csv"),
        MemoryError(),
        SystemExit(1),
        BaseException("a panic of Rust"),
        RecursionError(),
        StudyError(""),
        StudyError(" \n"),
        StudyError("another file"),
    ],
    ids=repr,
)
def test_anything_else_is_a_failure(error: BaseException) -> None:
    with pytest.raises(AssertionError):
        attempt(raising(error), "m.csv")


def test_a_message_that_cannot_be_printed_is_a_failure() -> None:
    with pytest.raises(UnicodeEncodeError):
        attempt(raising(StudyError("m.csv \udcff")), "m.csv")


def test_an_endless_loop_is_ended_also_within_another_limit() -> None:
    with time_limit(100), pytest.raises(TimeoutError), time_limit(1):
        time.sleep(5)
    with pytest.raises(TimeoutError), time_limit(1):
        sleep_after_another_limit()


def sleep_after_another_limit() -> None:
    with time_limit(100):
        pass
    time.sleep(5)


# Hunting.


def long_values(folder: Path) -> str:
    """A reader with a defect: it dies of values with an x after the third place."""
    content = (folder / "m.txt").read_bytes()
    if b"x" in content[3:]:
        raise KeyError(content)
    return ACCEPTED if content else REFUSED


def letters() -> st.SearchStrategy[Case]:
    texts = st.text("abcx", max_size=12)
    return texts.map(lambda text: {"m.txt": text.encode(), INTENTION: json.dumps({"plain": True}).encode()})


def test_a_defect_is_found_kept_small_and_found_again_until_it_is_mended(tmp_path: Path) -> None:
    target = Target("letters", letters(), long_values)
    hunt = Hunt(target, tmp_path)
    list(hunt.run(2))
    [(key, folder)] = hunt.failures.items()
    assert key.startswith("KeyError at test_harness.py:long_values:")
    assert len((folder / "m.txt").read_bytes()) == 4
    assert "KeyError" in (folder / "failure.txt").read_text()
    with pytest.raises(KeyError):
        replay(folder, {"letters": target})
    assert replay(folder, {"letters": Target("letters", letters(), lambda _: REFUSED)}) == REFUSED
    assert hunt.counts[ACCEPTED] > 10
    assert not (tmp_path / "now" / "letters").exists()


def test_a_process_that_dies_is_a_failure_and_what_it_read_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    dying = tmp_path / "python"
    dying.write_text('#!/bin/sh\necho \'{"accepted": 3, "failures": 0}\'\nkill -ABRT $$\n')
    dying.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(dying))
    monkeypatch.setattr(command, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(command, "ROOT", tmp_path)
    write({"m.csv": b"abc"}, _made(tmp_path / "kept" / "now" / "csv"))
    assert command.run("csv", 1, False) == {"accepted": 3, "failures": 1}
    [folder] = (tmp_path / "kept" / "failures").iterdir()
    assert (folder / "m.csv").read_bytes() == b"abc"
    assert (folder / "target.txt").read_text() == "csv"
    assert str(folder.relative_to(tmp_path)) in capfd.readouterr().out
    assert command.summary({"csv": {"accepted": 3, "failures": 1}}, 60) == 1
    assert command.summary({"csv": {"accepted": 3, "refused": 2}}, 60) == 0


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_inputs_may_come_from_atheris(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With something that looks like atheris, which was not at hand: it calls a function with bytes."""

    class Atheris:
        def Setup(self, arguments: list[str], test: Callable[[bytes], Any]) -> None:  # noqa: N802
            assert "-max_total_time=7" in arguments
            self.test = test

        def Fuzz(self) -> None:  # noqa: N802
            for number in range(2000):
                self.test(np.random.default_rng(number).bytes(200))

    with pytest.raises(KeyError):
        by_atheris(Hunt(Target("letters", letters(), long_values), tmp_path), 7, Atheris())
    assert "failed: " in capsys.readouterr().out
    [folder] = (tmp_path / "failures").iterdir()
    assert b"x" in (folder / "m.txt").read_bytes()
