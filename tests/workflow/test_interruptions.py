"""Jobs are killed for real (SIGKILL); another run finishes, with the same bytes as an undisturbed one."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.workflow.conftest import TEST_STUDY, environment, snakemake, snakemake_command

SAME = ["checkpoints/*.safetensors", "predictions/**/*.npy", "attributions/**/*.npy", "activations/**/*.npy"]
SAME += ["images/*.npy", "pairwise/**/*.parquet", "ensembles/*.parquet", "accuracies/*.parquet", "correlations.parquet"]
PATIENCE = 300


def job_processes(folder: Path, script: str) -> list[psutil.Process]:
    """Processes that run the job script `script` in `folder`; Snakemake gives the script a temporary name there."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any(word.startswith(str(folder)) and word.endswith(f".{script}.py") for word in words):
            found.append(process)
    return found


def start(folder: Path, *arguments: str, study: Path = TEST_STUDY) -> subprocess.Popen[bytes]:
    command, silent = snakemake_command(folder, *arguments, study=study), subprocess.DEVNULL
    return subprocess.Popen(command, stdout=silent, stderr=silent, start_new_session=True, env=environment())


def wait_until(ready: Callable[[], bool], run: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert run.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline, "what to kill never ran"
        time.sleep(0.01)


def kill_job_when(
    folder: Path, script: str, ready: Callable[[], bool], *arguments: str, study: Path = TEST_STUDY
) -> int:
    """Start the workflow and kill a job of `script` as soon as `ready()`; returns Snakemake's exit status."""
    run = start(folder, *arguments, study=study)
    wait_until(lambda: ready() and bool(job_processes(folder, script)), run)
    job_processes(folder, script)[0].kill()
    return run.wait(PATIENCE)


def kill_everything_when(folder: Path, ready: Callable[[], bool]) -> None:
    """Start the workflow and kill Snakemake and all of its jobs at once, as a power cut would."""
    run = start(folder)
    wait_until(ready, run)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def contents(results: Path) -> dict[str, bytes]:
    return {str(path.relative_to(results)): path.read_bytes() for pattern in SAME for path in results.glob(pattern)}


def test_killed_jobs_are_resumed_to_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    results = tmp_path / "results" / "test"
    kill_everything_when(tmp_path, lambda: any(results.glob("checkpoints/unfinished/*.pt")))
    assert snakemake(tmp_path, "--unlock").returncode == 0

    assert kill_job_when(tmp_path, "train", lambda: any(results.glob("checkpoints/unfinished/*.pt"))) != 0
    assert kill_job_when(tmp_path, "infer", lambda: any(results.glob("predictions/*/*.npy"))) != 0
    assert kill_job_when(tmp_path, "ensembles", lambda: True) != 0

    last = snakemake(tmp_path)
    assert last.returncode == 0, last.stdout
    undisturbed = contents(finished / "results" / "test")
    assert len(undisturbed) > 40
    assert contents(results) == undisturbed
