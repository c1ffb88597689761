"""The small form of the tests on SLURM: the training of one member is cancelled."""

from pathlib import Path

from tests.cluster import slurm
from tests.cluster.conftest import Run, slurm_job_of
from tests.workflow.conftest import snakemake

TARGET = "results/test/checkpoints/resnet10.safetensors"


def test_a_cancelled_job_is_run_again_to_the_same_bytes(cluster: slurm.Cluster, tmp_path: Path) -> None:
    run = Run(tmp_path / "slurm", TARGET)
    run.start()
    run.when(lambda: run.jobs("train"))
    cancelled = slurm_job_of(run.jobs("train")[0])
    slurm.command("scancel", cancelled)
    assert f"SLURM-job '{cancelled}' failed, SLURM status is: 'CANCELLED'" in run.finish()

    here = tmp_path / "here"
    local = snakemake(here, TARGET)
    assert local.returncode == 0, local.stdout
    assert (run.folder / TARGET).read_bytes() == (here / TARGET).read_bytes()
