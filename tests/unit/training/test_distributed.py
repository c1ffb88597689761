"""Trainings on several processes: how they end, and what is said of the process that failed."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import distributed

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log
from scripts.lib.study.resolve import ROOT
from scripts.lib.training.distributed import rank, start

PATIENCE = 600  # seconds, so that a broken test does not hang; a busy machine needs a minute

# These functions run in processes of their own.


def wait_for_the_others() -> None:
    distributed.all_reduce(torch.zeros(1))


def raise_an_exception() -> None:
    if rank() == 1:
        raise ValueError("the cause")
    wait_for_the_others()


def refuse() -> None:
    if rank() == 1:
        raise StudyError("members/a/optimizer/lr: lower it.")
    wait_for_the_others()


def die(number: int) -> None:
    if rank() == 1:
        print("my last words", flush=True)
        os.kill(os.getpid(), number)
    wait_for_the_others()


def leave() -> None:
    if rank() == 1:
        os._exit(0)
    wait_for_the_others()


def report() -> None:
    print("not for the user")
    log.info("epoch 1 of process %d", rank())
    wait_for_the_others()


class _Held:
    """An attribute of a tensor: whoever drops the tensor stays here, and from time to time needs the interpreter."""

    def __init__(self, reached: threading.Event) -> None:
        self.reached = reached

    def __del__(self) -> None:
        self.reached.set()
        while True:
            time.sleep(0.01)


kept: list[object] = []


def leave_a_thread_that_needs_the_interpreter(signal_file: str) -> None:
    """A thread of torch still drops the tensor of the last sum when the function has ended, as on a busy machine."""
    if rank() == 0:
        while not Path(signal_file).exists():
            time.sleep(0.01)
        return wait_for_the_others()
    kept.append(distributed.group.WORLD)  # as DistributedDataParallel does, so that the group's threads go on
    reached = threading.Event()
    sums = torch.zeros(1)
    sums.held = _Held(reached)  # type: ignore[attr-defined]
    work = distributed.all_reduce(sums, async_op=True)
    del sums, work  # only torch has them now
    Path(signal_file).touch()
    reached.wait()


def tell_and_wait(folder: str) -> None:
    Path(folder, str(rank())).write_text(str(os.getpid()))
    threading.Event().wait()


# What is said of the process that failed.


def failure(function: str, **arguments: object) -> str:
    with pytest.raises(RuntimeError) as failed:
        start(globals()[function], arguments, "cpu", 2)
    return str(failed.value)


def test_an_exception_is_shown_with_its_own_traceback() -> None:
    message = failure("raise_an_exception")
    assert message.startswith("process 1 of 2 ended with status 1. The last lines that it printed:\n")
    assert "in raise_an_exception" in message
    assert message.endswith("ValueError: the cause")


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_process_that_dies_of_a_signal_is_named_with_its_last_lines(number: signal.Signals) -> None:
    message = failure("die", number=int(number))
    assert message.startswith(f"process 1 of 2 was killed by {number.name}")
    assert "my last words" in message
    assert "in wait_for_the_others" not in message  # process 0 failed in consequence
    assert ("in die" in message) == (number == signal.SIGABRT)  # where it was, as far as Python can still say it
    assert ("memory" in message.splitlines()[0]) == (number == signal.SIGKILL)


def test_what_one_process_refuses_reaches_the_user() -> None:
    with pytest.raises(StudyError, match=r"^members/a/optimizer/lr: lower it\.$"):
        start(refuse, {}, "cpu", 2)


def test_a_process_that_is_left_alone_says_so() -> None:
    message = failure("leave")
    assert message.startswith("process 0 of 2 ended with status 1")
    assert "in wait_for_the_others" in message


# How a training ends.


def test_a_thread_of_torch_that_outlives_the_function_aborts_nothing(tmp_path: Path) -> None:
    arguments = {"signal_file": str(tmp_path / "ready")}
    start(leave_a_thread_that_needs_the_interpreter, arguments, "cpu", 2)


def test_what_process_0_reports_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger=log.name):
        start(report, {}, "cpu", 2)
    assert [record.getMessage() for record in caplog.records] == ["epoch 1 of process 0"]


def test_the_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    program = (
        "from scripts.lib.training.distributed import start; from tests.unit.training.test_distributed import "
        f"tell_and_wait; start(tell_and_wait, {{'folder': {str(tmp_path)!r}}}, 'cpu', 2)"
    )
    starter = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    files = [tmp_path / name for name in "01"]
    wait_until(lambda: all(path.exists() and path.read_text() for path in files), starter)
    starter.kill()
    starter.wait()
    wait_until(lambda: not any(running(int(path.read_text())) for path in files))


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert process is None or process.poll() is None, "the processes were not started"
        assert time.monotonic() < deadline, "they did not end"
        time.sleep(0.01)


def running(pid: int) -> bool:
    """Whether there is such a process that is not merely waiting for its parent to take note of its end."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
