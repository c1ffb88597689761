"""A job ends well, or with one message that a person can read."""

import errno
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import job, log, progress

pytestmark = pytest.mark.usefixtures("own_logging")


def fake_snakemake(folder: Path, **wildcards: str) -> SimpleNamespace:
    return SimpleNamespace(log=[str(folder / "logs" / "train" / "a.log")], rule="train", wildcards=wildcards)


def run_and_fail(folder: Path, error: Exception, **wildcards: str) -> tuple[object, str]:
    """Exit status of a job that raises `error`, and the content of its log file."""
    snakemake = fake_snakemake(folder, **wildcards)
    with pytest.raises(SystemExit) as caught, job(snakemake):
        raise error
    return caught.value.code, Path(snakemake.log[0]).read_text(encoding="utf-8")


def test_what_a_job_logs_goes_to_the_terminal_and_to_its_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snakemake = fake_snakemake(tmp_path)
    with job(snakemake):
        log.info("epoch %d of Ä", 3)
    assert Path(snakemake.log[0]).read_text(encoding="utf-8") == "epoch 3 of Ä\n"
    assert capsys.readouterr().err == "epoch 3 of Ä\n"


def test_chatter_of_libraries_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with job(fake_snakemake(tmp_path)):
        logging.getLogger("library").info("chatter")
        logging.getLogger("library").warning("be careful")
    assert capsys.readouterr().err == "be careful\n"


def test_a_study_error_is_one_message_and_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, logged = run_and_fail(tmp_path, StudyError("the image x is damaged"), study="demo", member="deit")
    shown = capsys.readouterr().err
    assert status == 1
    for text in (shown, logged):
        assert "Error in train deit: the image x is damaged" in text
        assert "Traceback" not in text


def test_an_unexpected_error_keeps_its_traceback_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, logged = run_and_fail(tmp_path, ZeroDivisionError("oh"))
    shown = capsys.readouterr().err
    assert status == 1
    assert "Unexpected error in train: ZeroDivisionError: oh" in shown
    assert str(tmp_path / "logs" / "train" / "a.log") in shown
    assert "Traceback" not in shown
    assert "Traceback (most recent call last)" in logged
    assert "run_and_fail" in logged


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, logged = run_and_fail(tmp_path, OSError(errno.ENOSPC, "No space left on device", "results/a.npy"))
    shown = capsys.readouterr().err
    assert status == 1
    for text in (shown, logged):
        assert "no space left on the device while writing results/a.npy" in text
        assert "Traceback" not in text


def test_a_full_disk_without_a_file_name_is_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_and_fail(tmp_path, OSError(errno.ENOSPC, "No space left on device"))
    assert "no space left on the device. Free some space" in capsys.readouterr().err


def test_another_error_of_the_system_is_unexpected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_and_fail(tmp_path, PermissionError(errno.EACCES, "Permission denied", "results/a.npy"))
    assert "Unexpected error in train: PermissionError" in capsys.readouterr().err


def test_an_interrupted_job_is_not_swallowed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), job(fake_snakemake(tmp_path)):
        raise KeyboardInterrupt


def test_progress_gives_every_item_and_each_update_is_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.lib.jobs.job.SECONDS_BETWEEN_UPDATES", 0)
    monkeypatch.setattr("scripts.lib.jobs.job.SECONDS_BEFORE_FIRST", 0)
    with job(fake_snakemake(tmp_path)):
        assert list(progress(iter("abc"), "train deit", "batch", total=3)) == ["a", "b", "c"]
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("train deit:") for line in lines)
    assert "3/3" in lines[-1]
    assert not any("\r" in line for line in lines)


def test_progress_of_something_short_says_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.lib.jobs.job.SECONDS_BETWEEN_UPDATES", 0)
    monkeypatch.setattr("scripts.lib.jobs.job.SECONDS_BEFORE_FIRST", 3600)  # nothing is so slow
    with job(fake_snakemake(tmp_path)):
        assert list(progress([1, 2], "quick", "image")) == [1, 2]
    assert capsys.readouterr().err == ""
