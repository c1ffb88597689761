"""A SLURM that keeps accounts: the status of jobs by sacct, jobs as an array, and the report of their efficiency."""

import re
from pathlib import Path

import polars as pl
import pytest

from tests.cluster import slurm
from tests.cluster.conftest import Run, slurm_job_of

MEMBERS = ("resnet10", "mnasnet", "deit")
ACCOUNT = ["--default-resources", f"slurm_account={slurm.ACCOUNT}"]
STATUS = ["--slurm-status-command", "sacct"]
ARRAY = ["--slurm-array-jobs", "train"]
REPORT = ["--slurm-efficiency-report", "--slurm-efficiency-report-path", "efficiency"]


def test_an_array_of_trainings_one_of_which_is_cancelled(cluster: slurm.Cluster, tmp_path: Path) -> None:
    if lacking := slurm.missing_for_accounting():
        pytest.skip(f"a SLURM with accounting needs {lacking}")
    targets = [f"results/test/checkpoints/{member}.safetensors" for member in MEMBERS]
    run = Run(tmp_path / "slurm", *targets, *ACCOUNT, *ARRAY, *REPORT, status=STATUS)
    run.start()
    run.when(lambda: run.jobs("train"))
    cancelled = slurm_job_of(run.jobs("train")[0])
    slurm.command("scancel", cancelled)
    log = run.finish()
    assert "Submitted array job with Snakemake IDs" in log
    # The plug-in takes all tasks of an array as failed if one is. Without an array, they are submitted again.
    failed = re.findall(r"SLURM-job '(\w+)' failed, SLURM status is: 'FAILED'", log)
    assert cancelled in failed
    assert len(failed) == len(MEMBERS)
    assert all((run.folder / target).exists() for target in targets)

    (report,) = (run.folder / "efficiency").glob("*.csv")
    steps = pl.read_csv(report)
    assert steps["RuleName"].str.contains("train").any()
    assert (steps["CPU Efficiency (%)"] > 0).any()
    assert (steps["MaxRSS_MB"] > 100).any()
    [name] = re.findall(r"SLURM run ID: (\S+)", log)
    query = ["--noheader", "--parsable2", "--allocations", "--name", name, "--format", "account,state"]
    found = slurm.command("sacct", *query).splitlines()
    assert f"{slurm.ACCOUNT}|COMPLETED" in found
    assert any(line.startswith(f"{slurm.ACCOUNT}|CANCELLED") for line in found)
