"""The digits study on a real SLURM."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.cluster import slurm
from tests.workflow.conftest import ROOT, environment, finished, snakemake_command
from tests.workflow.test_interruptions import contents

__all__ = ["finished"]

# The nodes of this SLURM share a disk, so the tests use short waiting times.
QUICK = ["--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "5"]
WITHOUT_ACCOUNTING = ["--slurm-status-command", "squeue"]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm.Cluster]:
    """A SLURM of two nodes, stopped with everything it runs when the tests end."""
    if lacking := slurm.missing():
        pytest.skip(f"a SLURM of its own needs {lacking}")
    started = slurm.Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        started.start()
        yield started
    finally:
        started.stop()


# A busy machine may take ten times as long as an idle one.
PATIENCE = 1800


def job_processes(folder: Path, script: str) -> list[psutil.Process]:
    """Processes that run the job script `script` in `folder`; Snakemake gives the script a temporary name there."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any(word.startswith(str(folder)) and word.endswith(f".{script}.py") for word in words):
            found.append(process)
    return found


class Run:
    """Snakemake with the SLURM profile, its results below `folder`, its output in `folder`/snakemake.log."""

    def __init__(self, folder: Path, *arguments: str, status: list[str] = WITHOUT_ACCOUNTING) -> None:
        self.folder, self.log = folder, folder / "snakemake.log"
        folder.mkdir(exist_ok=True)
        profile = ["--workflow-profile", ROOT / "profiles" / "slurm", *QUICK, *status]
        self.command = snakemake_command(folder, *profile, *arguments)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, start_new_session=True, env=environment()
            )
        return self.process

    def when(self, ready: Callable[[], object]) -> None:
        """Wait until `ready()` while Snakemake runs."""
        process = self.process
        assert process is not None
        slurm.wait_until(lambda: ready() or process.poll() is not None, "what the test waits for", PATIENCE)
        assert process.poll() is None, f"the run ended too early, see {self.log}"

    def finish(self) -> str:
        """Wait for the end, which must be a good one; returns everything that was printed."""
        assert self.process is not None
        status = self.process.wait(PATIENCE)
        text = self.log.read_text(encoding="utf-8", errors="replace")
        assert status == 0, text
        return text

    def kill(self) -> None:
        """Kill Snakemake as a crash of the login node would; its SLURM jobs go on."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def jobs(self, script: str) -> list[psutil.Process]:
        """Processes of this run that execute a script, on whichever node."""
        return job_processes(self.folder, script)


def slurm_job_of(process: psutil.Process) -> str:
    """Id of the SLURM job that a process belongs to, or of its task in an array."""
    values = process.environ()
    if array := values.get("SLURM_ARRAY_JOB_ID"):
        return f"{array}_{values['SLURM_ARRAY_TASK_ID']}"
    return values["SLURM_JOB_ID"]


def assert_same_tables(folder: Path, undisturbed: Path) -> None:
    """Arrays, weights and tables are the same, byte for byte."""
    expected, found = (contents(place / "results" / "test") for place in (undisturbed, folder))
    assert len(expected) > 40
    assert found.keys() == expected.keys()
    assert [path for path, content in expected.items() if found[path] != content] == []
