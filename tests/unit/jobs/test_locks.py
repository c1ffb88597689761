"""A lock is removed if its Snakemake was killed, and never while it runs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.lib.jobs import locks

STAY = "import sys; print('here', flush=True); sys.stdin.read()"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory; a substitute for Snakemake's command records its arguments."""
    here, programs = tmp_path / "here", tmp_path / "programs"
    here.mkdir()
    programs.mkdir()
    (programs / "snakemake").write_text('#!/bin/sh\necho "$@" > asked\nexit ${STATUS:-0}\n')
    (programs / "snakemake").chmod(0o755)
    monkeypatch.chdir(here)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return here


@pytest.fixture
def running(folder: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that looks like Snakemake working in the folder."""
    program = tmp_path / "snakemake"
    program.write_text(STAY)
    process = staying([sys.executable, str(program), "--cores", "2"], folder)
    yield process
    process.kill()
    process.communicate()


def staying(command: list[str], folder: Path) -> subprocess.Popen[str]:
    """A process that has started and stays until it is killed, or until the tests end."""
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


def lock(folder: Path) -> None:
    (folder / ".snakemake" / "locks").mkdir(parents=True)
    (folder / ".snakemake" / "locks" / "0.input.lock").touch()


def test_without_a_lock_nothing_is_done(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert locks.main() == 0
    assert not (folder / "asked").exists()
    assert capsys.readouterr().out == ""


def test_an_empty_folder_of_locks_is_no_lock(folder: Path) -> None:
    (folder / ".snakemake" / "locks").mkdir(parents=True)
    assert locks.main() == 0
    assert not (folder / "asked").exists()


def test_a_stale_lock_is_removed_by_snakemake_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock(folder)
    assert locks.main() == 0
    assert (folder / "asked").read_text().split()[0] == "--unlock"
    assert "The last run was killed" in capsys.readouterr().out


def test_a_failing_removal_is_passed_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock(folder)
    monkeypatch.setenv("STATUS", "3")
    assert locks.main() == 3


def test_the_lock_of_a_running_snakemake_stays(
    folder: Path, running: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lock(folder)
    assert locks.main() == 1
    assert not (folder / "asked").exists()
    assert f"process {running.pid}" in capsys.readouterr().out


def test_a_snakemake_of_another_folder_does_not_count(
    folder: Path, running: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert locks.running_here() == [running.pid]
    monkeypatch.chdir(tmp_path)
    assert locks.running_here() == []


def test_a_file_called_snakemake_in_an_editor_does_not_count(folder: Path) -> None:
    command = [sys.executable, "-c", STAY, "view", "snakemake"]
    process = staying(command, folder)
    found = locks.running_here()
    process.kill()
    process.communicate()
    assert found == []
