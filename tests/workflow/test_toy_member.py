"""A new kind of member is one new file: the one that docs/how-to/add-a-member.md shows, in a copy of the project."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from scripts.lib.jobs.storage import load_json
from tests.workflow.conftest import ROOT, environment

PAGE = ROOT / "docs" / "how-to" / "add-a-member.md"
STUDY = {
    "name": "toy",
    "datasets": {"kind": "digits", "image_size": 32, "validation": [{"id": "clean", "images": 40}]},
    "members": [
        {"id": "bright", "kind": "brightness"},
        {"id": "brighter", "kind": "brightness", "sharpness": 50},
        {"from": "*.npz"},
    ],
    "measures": ["disagreement"],
    "statistics": {"permutations": 99},
}


def copied_project(folder: Path) -> Path:
    """The project's files without what git ignores."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def shown_file() -> tuple[str, str]:
    """Path and text of the file that the page shows."""
    [(path, text)] = re.findall(
        r"`(scripts/lib/members/kinds/\w+\.py)`:\n\n```python\n(.*?)```", PAGE.read_text(), re.S
    )
    return path, text


def test_a_study_with_members_of_a_new_kind_runs_to_its_report(tmp_path: Path) -> None:
    project, folder = copied_project(tmp_path / "project"), tmp_path / "work"
    path, text = shown_file()
    assert not (project / path).exists()
    (project / path).write_text(text, encoding="utf-8")
    folder.mkdir()
    for seed, name in enumerate("ab"):
        scores = np.random.default_rng(seed).dirichlet(np.ones(10), 40)
        np.savez(folder / f"{name}.npz", probabilities=scores)
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", project / "Snakefile", "--directory", folder]
    result = subprocess.run(
        [*command, "--configfile", folder / "study.yaml", "--cores", "2"],
        cwd=project,  # where Python looks first for the package `scripts`
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert result.returncode == 0, result.stdout
    results = folder / "results" / "toy"
    members = pl.read_parquet(results / "members.parquet")
    assert members["kind"].to_list() == ["brightness", "brightness", "predictions", "predictions"]
    sharp, sharper = (np.load(results / "predictions" / "clean" / f"{name}.npy") for name in ("bright", "brighter"))
    np.testing.assert_allclose(5 * sharp, sharper, rtol=1e-5)
    brightness = np.load(results / "images" / "clean.npy").mean((1, 2, 3))
    assert sharp.argmax(1)[brightness.argmin()] == 0
    assert sharp.argmax(1)[brightness.argmax()] == 9
    assert load_json(results / "predictions" / "clean" / "bright.json")["values"] == "logits"
    assert "brighter" in (results / "report.html").read_text(encoding="utf-8")
