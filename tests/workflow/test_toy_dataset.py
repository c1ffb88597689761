"""A new kind of dataset is one new file: that of docs/how-to/add-a-dataset.md, in a copy of the project."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.lib.jobs.storage import load_json, load_lines
from tests.workflow.conftest import ROOT, environment, snakemake_command

PAGE = ROOT / "docs" / "how-to" / "add-a-dataset.md"
FILE = "scripts/lib/datasets/kinds/stripes.py"


def block(language: str) -> str:
    """The one complete file of a language below the heading that says how to add a kind."""
    text = PAGE.read_text(encoding="utf-8").partition("## Add a kind of dataset")[2]
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return found


def copy_of_the_project(folder: Path) -> Path:
    """What git would commit, without what is ignored."""
    command = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def test_one_new_file_is_enough_for_a_study_of_a_new_kind_of_dataset(tmp_path: Path) -> None:
    project, work, study = copy_of_the_project(tmp_path / "project"), tmp_path / "work", tmp_path / "study.yaml"
    assert FILE in PAGE.read_text(encoding="utf-8")
    assert not (project / FILE).exists()
    (project / FILE).write_text(block("python"), encoding="utf-8")
    study.write_text(block("yaml"), encoding="utf-8")
    work.mkdir()
    command = snakemake_command(work, "results/stripes/report.html", study=study)
    command[command.index("--snakefile") + 1] = str(project / "Snakefile")
    result = subprocess.run(command, cwd=project, text=True, capture_output=True, env=environment())
    assert result.returncode == 0, result.stdout + result.stderr
    results = work / "results" / "stripes"
    assert (work / "data" / "stripes" / "pixels.npy").is_file()
    assert load_json(results / "classes.json") == ["horizontal", "vertical"]
    assert load_lines(results / "samples" / "training.txt") == [f"stripes/{row:02d}" for row in range(64)]
    assert load_lines(results / "samples" / "clean.txt") == [f"stripes/{row:02d}" for row in range(64, 96)]
    assert "horizontal" in (results / "report.html").read_text(encoding="utf-8")
