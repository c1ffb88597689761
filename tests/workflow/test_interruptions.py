"""Jobs are killed for real (SIGKILL); another run finishes, with the same bytes as an undisturbed one."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.workflow.conftest import TEST_STUDY, environment, snakemake, snakemake_command

# What the killed jobs write, and what is computed from that next. Later tables follow from these and have no state.
SAME = ["checkpoints/*.safetensors", "predictions/**/*.npy", "attributions/**/*.npy", "activations/**/*.npy"]
SAME += ["images/*.npy", "pairwise/**/*.parquet", "ensembles/*.parquet", "accuracies/*.parquet", "halves/*.parquet"]
LAST = [f"results/test/ensembles/{dataset}.parquet" for dataset in ("clean", "noise")]
LAST += [
    "results/test/pairwise/noise/disagreement.parquet",
    "results/test/pairwise/clean/attribution_similarity.parquet",
]
KILLED = ("deit", "resnext")  # members; the others are those of the finished study
KILLER = Path(__file__).parent / "killer"


@dataclass(frozen=True)
class Kill:
    """A job of `script` dies before or after it gives a file like `file` its name.

    With `everything`, Snakemake and all of its jobs die at once, as by a power cut.
    """

    script: str
    file: str
    moment: str = "after"
    everything: bool = False


def killed_run(folder: Path, *arguments: str, kills: Sequence[Kill], study: Path = TEST_STUDY) -> int:
    """Run the workflow until one job dies for each of `kills`, and no other. Returns Snakemake's exit status."""
    markers = [folder / f"killed {kill.script}" for kill in kills]
    for marker in markers:
        marker.unlink(missing_ok=True)
    orders = [asdict(kill) | {"marker": str(marker)} for kill, marker in zip(kills, markers, strict=True)]
    changes = {"KILL": json.dumps(orders), "PYTHONPATH": f"{KILLER}:{os.environ.get('PYTHONPATH', '')}"}
    command, silent = snakemake_command(folder, *arguments, study=study), subprocess.DEVNULL
    status = subprocess.run(
        command, stdout=silent, stderr=silent, start_new_session=True, env=environment() | changes
    ).returncode
    assert all(marker.exists() for marker in markers), "the run ended without what was to be killed"
    return status


def contents(results: Path) -> dict[str, bytes]:
    return {str(path.relative_to(results)): path.read_bytes() for pattern in SAME for path in results.glob(pattern)}


def without_members(folder: Path, members: Sequence[str]) -> None:
    """Remove what was trained and recorded of some members, and `LAST`, as if the study had stopped before them."""
    results = folder / "results" / "test"
    for member in members:
        for path in [*results.glob(f"checkpoints/{member}.*"), *(folder / "logs" / "test").glob(f"*/{member}.log")]:
            path.unlink()
        for kind in ("inferred", "finished_parts"):
            shutil.rmtree(results / kind / member)
    for kind in ("predictions", "attributions", "activations"):
        shutil.rmtree(results / kind)
    for target in LAST:
        (folder / target).unlink()


def test_killed_jobs_are_resumed_to_the_same_bytes(copied: Path, finished: Path) -> None:
    without_members(copied, KILLED)
    results = copied / "results" / "test"
    # What does not depend on a killed job goes on, so that one run has several.
    training = Kill("train", "*/checkpoints/unfinished/*.pt")
    assert killed_run(copied, *LAST, kills=[replace(training, everything=True)]) == -9
    assert snakemake(copied, "--unlock").returncode == 0
    assert killed_run(copied, *LAST, kills=[training, Kill("infer", "*/inferred/*/clean/predictions.npy")]) != 0
    ensembles = Kill("ensembles", "*/ensembles/*.parquet", moment="before")
    assert killed_run(copied, *LAST, kills=[Kill("gather", "*/predictions/*/*.npy"), ensembles]) != 0

    last = snakemake(copied, *LAST)
    assert last.returncode == 0, last.stdout
    # The set that the killed inference had finished was not computed again.
    logs = [path.read_text(encoding="utf-8") for path in (copied / "logs" / "test" / "infer").glob("*.log")]
    assert sum("/clean was computed before" in log for log in logs) == 1
    undisturbed = contents(finished / "results" / "test")
    assert len(undisturbed) > 40
    assert contents(results) == undisturbed
