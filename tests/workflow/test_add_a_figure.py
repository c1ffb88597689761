"""A new figure is one new file: docs/how-to/add-a-figure.md, carried out in a copy of the project."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest
import yaml

from scripts.lib.jobs.storage import save_json
from scripts.lib.report.figure import captioned_pictures
from tests.unit.conftest import small_member_entry, small_study
from tests.unit.synthetic_study import NAMES, make_study, outline
from tests.workflow.conftest import ROOT, environment, snakemake_command

PROJECT = ("Snakefile", "rules", "scripts", "kernels", "schemas", "config", "envs", "profiles", "report")
[BLOCK] = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "how-to" / "add-a-figure.md").read_text(encoding="utf-8"), re.DOTALL
)


def value(key: str) -> str:
    """A text of the page's spec."""
    [found] = re.findall(rf'^    {key}="(.*)",$', BLOCK, re.MULTILINE)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with one file more."""
    copy = tmp_path / "project"
    copy.mkdir()
    for name in PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    (copy / "scripts/lib/report/figures" / f"{value('name')}.py").write_text(BLOCK, encoding="utf-8")
    return copy


def test_a_figure_of_one_new_file_is_drawn_and_shown_with_its_caption(project: Path, tmp_path: Path) -> None:
    folder = make_study(tmp_path / "results", members=3, datasets=["clean"], samples=60)
    save_json(folder / "deployment.json", {})
    for picture in captioned_pictures(outline(folder)):  # the other figures, as if they had been drawn before
        path = folder / "figures" / f"{picture['name']}.png"
        path.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / "docs/images/deployment.png", path)
    measures = yaml.safe_load((folder / "study.json").read_text())["measures"]
    study = small_study(name=folder.name, members=list(map(small_member_entry, NAMES[:3])), measures=measures)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")

    rule, report = f"plot_{value('name')}", f"results/{folder.name}/report.html"
    command = snakemake_command(tmp_path, report, "--allowed-rules", rule, "report", study=tmp_path / "study.yaml")
    command[command.index("--snakefile") + 1] = str(project / "Snakefile")
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment())
    assert result.returncode == 0, result.stdout

    for suffix in ("png", "pdf"):
        assert (folder / "figures" / f"{value('name')}.{suffix}").stat().st_size > 1000
    page = unescape((tmp_path / report).read_text(encoding="utf-8"))
    shown = re.findall(r'<figure id="(\w+)">', page)
    assert shown.index(value("name")) == shown.index("member_accuracies") + 1
    for key in ("title", "caption", "alternative"):
        assert value(key) in page
