"""The paper's study as a plan: which jobs Snakemake would run."""

import re
from pathlib import Path

from tests.workflow.conftest import ROOT, snakemake


def jobs(plan: str) -> dict[str, int]:
    """The numbers of jobs by rule in a dry run's table."""
    table = plan.split("Job stats:")[1].split("total")[0]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


def test_the_whole_study_is_planned_and_each_backbone_is_trained_once(tmp_path: Path) -> None:
    result = snakemake(tmp_path, "--dry-run", "--quiet", "rules", study=ROOT / "config" / "paper.yaml")
    assert result.returncode == 0, result.stdout
    found = jobs(result.stdout)
    assert found["train"] == 9  # the eight of Table i and the baseline
    assert found["pretrain_backbone"] == 3
    assert found["train_classifier"] == 4
    members, datasets = 15, 5
    assert (found["infer"], found["gather"]) == (members, datasets)
    assert found["validation_set"] == datasets
    assert found["pairwise"] == 4 * datasets
    assert found["ensembles"] == datasets
    assert found["report"] == found["effects"] == found["variance_shares"] == found["correlations"] == 1
