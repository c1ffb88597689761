"""The digits study on SLURM: undisturbed, then with everything that goes wrong on a cluster, to the same tables."""

import re
import signal
from pathlib import Path

from tests.cluster import slurm
from tests.cluster.conftest import Run, assert_same_tables, slurm_job_of


def submissions(log: str) -> list[str]:
    """Ids of the SLURM jobs that Snakemake submitted."""
    return re.findall(r"submitted with SLURM jobid (\d+)", log)


def test_the_study_through_the_profile(cluster: slurm.Cluster, finished: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "study")
    run.start()
    log = run.finish()
    assert_same_tables(run.folder, finished)
    assert len(submissions(log)) < 20, "38 jobs were to be grouped"


def test_jobs_that_are_cancelled_or_too_slow_and_a_node_that_dies(
    cluster: slurm.Cluster, finished: Path, tmp_path: Path
) -> None:
    # A first attempt at training may take one minute, which is the least that SLURM knows.
    run = Run(tmp_path / "study", "--set-resources", "train:runtime=attempt")
    run.start()

    run.when(lambda: len({slurm_job_of(process) for process in run.jobs("train")}) >= 2)
    slow, cancelled, *_ = {slurm_job_of(process): process for process in run.jobs("train")}.items()
    slow[1].send_signal(signal.SIGSTOP)  # it will never end by itself
    slurm.command("scancel", cancelled[0])

    run.when(lambda: run.jobs("infer"))
    dead = run.jobs("infer")[0].environ()["SLURMD_NODENAME"]
    cluster.kill_node(dead)
    try:
        log = run.finish()
    finally:
        cluster.start_node(dead)
    assert re.search(rf"SLURM-job '{cancelled[0]}' failed, SLURM status is: 'CANCELLED'", log)
    assert re.search(rf"SLURM-job '{slow[0]}' failed, SLURM status is: 'TIMEOUT'", log)
    assert_same_tables(run.folder, finished)


def test_snakemake_that_is_killed_and_started_again_beside_its_orphans(
    cluster: slurm.Cluster, finished: Path, tmp_path: Path
) -> None:
    run = Run(tmp_path / "study")
    run.start()
    run.when(lambda: run.jobs("train"))
    run.kill()
    assert slurm.command("squeue", "--noheader"), "the jobs go on without Snakemake"
    assert Run(run.folder, "--unlock").start().wait(60) == 0
    run.start()
    run.finish()
    assert_same_tables(run.folder, finished)
