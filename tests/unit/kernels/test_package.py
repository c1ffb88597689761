"""The kernels are installed alone, under another name than in the repository."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kernels import cpu
from scripts.lib.jobs.paths import ROOT

NAME = "ensemble-diversity-kernels"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which pip has installed the kernels, without network access and without leaving files behind."""
    folder, before = tmp_path_factory.mktemp("installed"), {path.name for path in (ROOT / "kernels").iterdir()}
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    command = [sys.executable, "-m", "pip", "install", *options, "--target", folder, ROOT / "kernels"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert {path.name for path in (ROOT / "kernels").iterdir()} <= before | {"__pycache__"}
    return folder


def run_there(program: str, installed: Path, folder: Path, **more: str) -> str:
    """Standard output of a program that can import the installed package, but not the project."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(installed), **more}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_it_has_the_modules_and_nothing_else_of_the_project(installed: Path) -> None:
    modules = {path.name for path in (ROOT / "kernels").glob("*.py")} - {"setup.py"}
    assert {path.name for path in (installed / "ensemble_diversity_kernels").glob("*.*")} == modules
    [found] = importlib.metadata.distributions(name=NAME, path=[str(installed)])
    assert found.version == str(yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"])
    assert set(found.requires or []) >= {"torch", "numpy>=2"}


def test_the_example_of_its_readme_runs_without_the_project(installed: Path, tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "kernels" / "README.md").read_text("utf-8"), re.DOTALL)
    check = """
import importlib.util
assert importlib.util.find_spec("kernels") is None and importlib.util.find_spec("scripts") is None
assert different.shape == (10, 10) and correct.shape == (1023,)
both = probabilities[0] + probabilities[2]
assert abs(int((both.argmax(-1) == labels).sum()) - int(correct[4])) <= 1  # sums may round differently
classes = probabilities.argmax(-1)
assert abs(float((classes[0] != classes[1]).double().mean()) - float(different[0, 1])) < 1e-12
print("done")
"""
    assert run_there(example + check, installed, tmp_path) == "done\n"


@pytest.mark.skipif(not cpu.AVAILABLE, reason="numba is not installed")
def test_machine_code_is_kept_by_the_user_where_the_package_cannot_be_written(installed: Path, tmp_path: Path) -> None:
    package = installed / "ensemble_diversity_kernels"
    for path in (package / "__pycache__").rglob("*"):
        path.unlink()
    if (package / "__pycache__").exists():
        (package / "__pycache__").rmdir()
    (package / "__pycache__").touch()  # permissions would not stop root
    program = """
import torch, ensemble_diversity_kernels as kernels
kernels.cpu.LEAST_OPERATIONS = 0
correct = torch.rand(3, 200) > 0.5
assert (kernels.joint_correctness(correct) == (correct.long() @ correct.long().T)).all()
"""
    run_there(program, installed, tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"), PYTHONDONTWRITEBYTECODE="1")
    assert list((tmp_path / "cache" / NAME).rglob("*.nbi"))


def test_the_notebook_runs_and_counts_what_numpy_counts(installed: Path, tmp_path: Path) -> None:
    """Its code, without jupyter and without the project."""
    notebook = json.loads((ROOT / "examples/kernels/kernels-in-twenty-lines.ipynb").read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    check = """
for number in (1, 6, 127):
    chosen = [file for place, file in enumerate(files) if number >> place & 1]
    shares = sum(np.exp(np.load(file)) / np.exp(np.load(file)).sum(1, keepdims=True) for file in chosen)
    assert abs((shares.argmax(1) == labels.numpy()).mean() - float(accuracy[number - 1])) < 2 / len(labels)
classes = [np.load(file).argmax(1) for file in files[:2]]
assert abs((classes[0] != classes[1]).mean() - float(disagreement[0, 1])) < 1e-9
assert len(figure.axes) == 4 and len(dots.get_offsets()) == 127
"""
    said = run_there("\n".join([*code, check]), installed, tmp_path, MPLBACKEND="Agg", MPLCONFIGDIR=str(tmp_path))
    assert said.startswith("best ensemble: ")
