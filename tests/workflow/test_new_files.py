"""A measure, a kind of dataset, a kind of member and a figure are one new file each, and no other file changes.

The files are those that the how-tos show. They are added to a copy of the project, in which one study uses all four.
"""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from scripts.lib.jobs.storage import load_json, load_lines
from tests.workflow.conftest import ROOT, environment, snakemake_command

PAGES = {
    "add-a-measure": "scripts/lib/measures/kinds/confidence.py",
    "add-a-dataset": "scripts/lib/datasets/kinds/stripes.py",
    "add-a-member": "scripts/lib/members/kinds/brightness.py",
    "add-a-figure": "scripts/lib/report/figures/member_costs.py",
}
MEMBERS = ["first", "second", "bright", "brighter"]
MEASURE = "confidence_gap"


def block(page: str, language: str = "python") -> str:
    """The one Python file that a page shows, or the last block of another language."""
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(found) == 1 or language != "python"
    return found[-1]


def files_of_the_project() -> list[str]:
    """What git knows, or would know."""
    command = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one more file for each page."""
    copy = tmp_path_factory.mktemp("project")
    for name in files_of_the_project():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    for page, name in PAGES.items():
        assert not (copy / name).exists()
        assert Path(name).name in (ROOT / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")
        (copy / name).write_text(block(page), encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def results(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the study on the page about datasets, with members and a measure of the other pages."""
    folder = tmp_path_factory.mktemp("study")
    study = yaml.safe_load(block("add-a-dataset", "yaml"))
    study["members"] += [
        {"id": "bright", "kind": "brightness"},
        {"id": "brighter", "kind": "brightness", "sharpness": 50},
    ]
    study["measures"].append(MEASURE)
    (folder / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    command = snakemake_command(folder, study=folder / "study.yaml")
    command[command.index("--snakefile") + 1] = str(project / "Snakefile")
    result = subprocess.run(
        command,
        cwd=project,  # where Python looks first for the package `scripts`
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(),
    )
    assert result.returncode == 0, result.stdout
    return folder / "results" / study["name"]


def test_no_other_file_of_the_project_changed(project: Path, results: Path) -> None:
    for name in files_of_the_project():
        assert (project / name).read_bytes() == (ROOT / name).read_bytes(), name


def test_the_images_are_those_of_the_new_kind_of_dataset(results: Path) -> None:
    assert (results.parents[1] / "data" / "stripes" / "pixels.npy").is_file()
    assert load_json(results / "classes.json") == ["horizontal", "vertical"]
    assert load_lines(results / "samples" / "training.txt") == [f"stripes/{row:02d}" for row in range(64)]
    assert load_lines(results / "samples" / "clean.txt") == [f"stripes/{row:02d}" for row in range(64, 96)]


def test_members_of_the_new_kind_stand_beside_the_others(results: Path) -> None:
    members = pl.read_parquet(results / "members.parquet")
    assert members["kind"].to_list() == ["supervised", "supervised", "brightness", "brightness"]
    sharp, sharper = (np.load(results / "predictions" / "clean" / f"{name}.npy") for name in MEMBERS[2:])
    np.testing.assert_allclose(5 * sharp, sharper, rtol=1e-5)
    brightness = np.load(results / "images" / "clean.npy").mean((1, 2, 3))
    assert sharp.argmax(1)[brightness.argmin()] == 0
    assert sharp.argmax(1)[brightness.argmax()] == 1
    assert load_json(results / "predictions" / "clean" / "bright.json")["values"] == "logits"


def test_the_new_measure_is_in_all_tables(results: Path) -> None:
    pairs = pl.read_parquet(results / f"pairwise/clean/{MEASURE}.parquet")
    assert pairs.filter(pl.col("member_a") == pl.col("member_b"))["value"].to_list() == [0] * 4
    by_pair = {(first, second): value for first, second, value in pairs.select(pairs.columns[:3]).rows()}
    ensembles = pl.read_parquet(results / "ensembles/clean.parquet").filter(size=2, consensus="average")
    assert len(ensembles) == 6
    for (first, second), value in ensembles.select("members", MEASURE).rows():
        assert value == pytest.approx(by_pair[MEMBERS[first], MEMBERS[second]])
        assert value > 0
    correlations = pl.read_parquet(results / "correlations.parquet").filter(measure=MEASURE, size="all")
    assert set(correlations["improvement"]) == {"over_mean", "over_best"}
    assert correlations["pearson"].is_not_null().all()
    effects = pl.read_parquet(results / "effects.parquet").filter(measure=MEASURE)
    assert effects["members"].to_list() == [4] * len(effects)


def test_the_report_shows_all_four(results: Path) -> None:
    for suffix in ("png", "pdf"):
        assert (results / "figures" / f"member_costs.{suffix}").stat().st_size > 1000
    page = unescape((results / "report.html").read_text(encoding="utf-8"))
    for text in (*MEMBERS, "<td>Squared difference of confidence</td>", "horizontal"):
        assert text in page
    shown = re.findall(r'<h3 id="figure-(\w+)">', page)
    assert shown.index("member_costs") == shown.index("member_accuracies") + 1
    assert f"pairwise_{MEASURE}" in shown
    for key in ("title", "caption", "alternative"):
        [words] = re.findall(rf'^    {key}="(.*)",$', block("add-a-figure"), re.MULTILINE)
        assert words in page
