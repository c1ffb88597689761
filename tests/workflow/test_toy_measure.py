"""A measure is one file: the one that docs/how-to/add-a-measure.md shows, in a copy of the project."""

import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.workflow.conftest import ROOT, environment, snakemake_command
from tests.workflow.test_zoo import CLASSES, LABELS, SAMPLES, SHORT, write_predictions

PAGE = ROOT / "docs" / "how-to" / "add-a-measure.md"
FILE = Path("scripts/lib/measures/families/confidence.py")
MEASURE = "confidence_gap"


def copied_project(folder: Path) -> list[str]:
    """Copy all files of the project that git knows, or would, and return their names."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    names = [name for name in listed if name and (ROOT / name).is_file()]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return names


def study_of_files(folder: Path) -> Path:
    """Four members on one validation set, compared by the new measure alone."""
    (folder / "labels").mkdir(parents=True)
    labels = pl.DataFrame({"sample": SAMPLES, "label": [CLASSES[label] for label in LABELS]})
    labels.write_csv(folder / "labels" / "clean.csv")
    for seed, member in enumerate("abcd"):
        write_predictions(folder, "clean", member, 1 + seed / 2, seed)
    study = {
        "name": "toy",
        "datasets": {"kind": "predictions", "validation": [{"id": "clean", "labels": "labels/clean.csv"}]},
        "members": {"from": "predictions/{dataset}/*.csv"},
        "measures": [MEASURE],
        "ensembles": {"consensus": ["average"]},
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study | SHORT), encoding="utf-8")
    return path


def test_a_measure_in_one_new_file_comes_to_the_report(tmp_path: Path) -> None:
    project, folder = tmp_path / "project", tmp_path / "study"
    names = copied_project(project)
    assert FILE.as_posix() not in names
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (project / FILE).write_text(code, encoding="utf-8")
    study = study_of_files(folder)
    # The copy must be the current folder: Python finds the project's modules there first.
    command = snakemake_command(folder, "--snakefile", project / "Snakefile", study=study)
    result = subprocess.run(
        command, cwd=project, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment()
    )
    assert result.returncode == 0, result.stdout
    assert all((project / name).read_bytes() == (ROOT / name).read_bytes() for name in names)

    results = folder / "results" / "toy"
    pairs = pl.read_parquet(results / f"pairwise/clean/{MEASURE}.parquet")
    assert pairs.filter(pl.col("member_a") == pl.col("member_b"))["value"].to_list() == [0] * 4
    by_pair = {(first, second): value for first, second, value in pairs.select(pairs.columns[:3]).rows()}
    ensembles = pl.read_parquet(results / "ensembles/clean.parquet").filter(size=2)
    assert len(ensembles) == 6
    for (first, second), value in ensembles.select("members", MEASURE).rows():
        assert value == pytest.approx(by_pair["abcd"[first], "abcd"[second]])
        assert value > 0
    correlations = pl.read_parquet(results / "correlations.parquet").filter(measure=MEASURE, size="all")
    assert set(correlations["improvement"]) == {"over_mean", "over_best"}
    assert correlations["pearson"].is_not_null().all()
    report = (results / "report.html").read_text(encoding="utf-8")
    assert "<td>Squared difference of confidence</td>" in report
    assert "Squared difference of confidence of every two members" in report
