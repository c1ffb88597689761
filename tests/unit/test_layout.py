"""The layout that docs/architecture.md promises: who may import whom, and what every rule has."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from scripts.lib.jobs import code_digest
from scripts.lib.jobs.code_digest import imported_files
from scripts.lib.study.resolve import ROOT

RULE_FILES = sorted((ROOT / "rules").glob("*.smk"))
SCRIPTS = sorted(path for path in (ROOT / "scripts").glob("*.py") if path.name != "__init__.py")
LIBRARY = sorted((ROOT / "scripts" / "lib").rglob("*.py"))
KERNELS = sorted(path for path in (ROOT / "kernels").rglob("*.py") if path.name != "setup.py")  # it builds the package
EVERY_MODULE = [*SCRIPTS, *LIBRARY, *KERNELS]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST) -> Iterator[str]:
    """Names of what a module imports, at the top or inside functions: full ones, or `.name` from its own package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (f"{node.module}." if node.module else "")
            yield from (f"{prefix}{alias.name}" for alias in node.names)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def foreign(names: Iterator[str], *allowed: str) -> list[str]:
    """The names that are neither the standard library's nor below one of the allowed ones."""
    return [
        name
        for name in names
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)
    ]


@pytest.mark.parametrize("path", KERNELS, ids=named)
def test_kernels_import_numerical_libraries_and_by_relative_names_themselves(path: Path) -> None:
    """Relative, because the package has another name where it is installed without the workflow."""
    absolute = (name for name in imports(parsed(path)) if not name.startswith("."))
    assert foreign(absolute, "torch", "triton", "numpy", "numba") == []


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_scripts_import_the_library_and_the_kernels(path: Path) -> None:
    assert foreign(imports(parsed(path)), "scripts.lib", "kernels") == []


@pytest.mark.parametrize("path", LIBRARY, ids=named)
def test_the_library_imports_neither_scripts_nor_snakemake(path: Path) -> None:
    for name in imports(parsed(path)):
        assert name.split(".")[0] not in {"", "snakemake", "rules", "tests"}, name
        assert not name.startswith("scripts.") or name.startswith("scripts.lib."), name


# Packages of the library in the order of the data flow: each may import those before it, never one after it.
ORDER = (
    "jobs",
    "reading",
    "networks",
    "datasets",
    "inference",
    "training",
    "supernets",
    "members",
    "measures",
    "ensembles",
    "calibration",
    "choices",
    "predict",
    "statistics",
    "observations",
    "report",
    "study",
)


def test_every_package_of_the_library_has_its_place_in_the_order() -> None:
    found = {path.parent.name for path in (ROOT / "scripts" / "lib").glob("*/*.py")}
    assert found == set(ORDER)
    assert [path.name for path in (ROOT / "scripts" / "lib").glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("path", LIBRARY, ids=named)
def test_imports_of_the_library_go_down_the_order(path: Path) -> None:
    package = path.relative_to(ROOT / "scripts" / "lib").parts[0]
    if package in ORDER:
        imported = {name.split(".")[2] for name in imports(parsed(path)) if name.startswith("scripts.lib.")}
        assert imported <= set(ORDER[: ORDER.index(package) + 1])


def circle(modules: list[Path]) -> list[str]:
    """Modules that import each other in a circle, with the first one repeated at the end; empty if there is none.

    Importing a module runs the packages that hold it first; a module's own packages are not counted.
    """
    packages = {path: {folder / "__init__.py" for folder in path.parents} for path in modules}
    try:
        TopologicalSorter({path: set(imported_files(path)) - packages[path] for path in modules}).prepare()
    except CycleError as error:
        return [named(path) for path in reversed(error.args[1])]
    return []


def test_no_module_imports_itself_in_a_circle_not_even_inside_functions() -> None:
    assert circle(EVERY_MODULE) == []


def test_a_circle_inside_functions_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_digest, "ROOT", tmp_path)
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    modules = [tmp_path / "kernels" / f"{name}.py" for name in ("above", "below", "apart")]
    modules[0].parent.mkdir()
    modules[0].write_text("from . import below\n")
    modules[1].write_text("def f():\n    from .above import g\n")
    modules[2].write_text("import kernels.below\n")
    found = circle(modules)
    assert found[0] == found[-1]
    assert set(found) == {"kernels/above.py", "kernels/below.py"}


CHECKS_BEFORE_JOBS = (
    "scripts.lib.members.files",
    "scripts.lib.members.scale",
    "scripts.lib.members.spec",
    "scripts.lib.members.stated_outputs",
    "scripts.lib.jobs.user_paths",
    "scripts.lib.measures.spec",
    "scripts.lib.ensembles.consensus.spec",
    "scripts.lib.inference.attribution_methods.spec",
    "scripts.lib.study.groups",
    "scripts.lib.study.resolve",
    "scripts.lib.study.file",
    "scripts.lib.study.user_files",
    "scripts.lib.datasets.spec",
    "scripts.lib.jobs.errors",
    "scripts.lib.jobs.software_environments",
    "scripts.lib.jobs.code_digest",
    "scripts.lib.jobs.fingerprint",
    "scripts.lib.jobs.run_progress",
    "scripts.lib.report.figure",
    "scripts.lib.report.files",
    "scripts.lib.training.losses.spec",
)


@pytest.mark.parametrize("path", [ROOT / "Snakefile", *RULE_FILES], ids=named)
def test_rules_import_snakemake_and_the_checked_study(path: Path) -> None:
    """The exceptions are what stops Snakemake before any job: a wrong key, a program that is not there."""
    lines = re.findall(r"^ *((?:from|import) .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    statements = [line for line in lines if not line.endswith(":")]
    names = imports(ast.parse("\n".join(statements)))
    assert foreign(names, "snakemake", *CHECKS_BEFORE_JOBS) == []


def test_what_the_rules_import_needs_no_heavy_library() -> None:
    program = (
        f"import sys, {', '.join(CHECKS_BEFORE_JOBS)}\n"
        "assert len(scripts.lib.members.spec.MEMBER_KINDS) > 7\n"
        "from scripts.lib.study.schema import schema\n"
        "schema()  # it reads the specs of all registries\n"
        "print([name for name in ('torch', 'numpy', 'polars') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_nncf_which_patches_torch_is_imported_in_one_module_at_most() -> None:
    found = [path for path in EVERY_MODULE if any(name.split(".")[0] == "nncf" for name in imports(parsed(path)))]
    assert len(found) <= 1


def test_only_the_jobs_of_a_supernet_load_nncf() -> None:
    """Every other script, imported as Snakemake does it, leaves torch as it is."""
    asked = {"train_supernet", "search_supernet"}
    modules = {name for path in SCRIPTS if path.stem not in asked for name in imports(parsed(path))}
    statements = "\n".join(
        f"import {name.rpartition('.')[0]}" for name in sorted(modules) if name.startswith("scripts.")
    )
    program = f"import sys\n{statements}\nprint('nncf' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"


@pytest.mark.parametrize("name", ["torchvision", "timm"])
def test_torchvision_and_timm_are_imported_in_one_module(name: str) -> None:
    found = [path for path in EVERY_MODULE if any(found.split(".")[0] == name for found in imports(parsed(path)))]
    assert [named(path) for path in found] == ["scripts/lib/networks/vision.py"]


# Nothing is unpickled.


def keywords_of_calls(tree: ast.AST, *functions: str) -> Iterator[dict[str, object]]:
    """Constant keyword arguments of every call of one of the functions, such as `torch.load`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in functions:
            yield {k.arg: k.value.value for k in node.keywords if k.arg and isinstance(k.value, ast.Constant)}


@pytest.mark.parametrize("path", EVERY_MODULE, ids=named)
def test_nothing_is_unpickled(path: Path) -> None:
    tree = parsed(path)
    unsafe = {"pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib.load"}
    assert not [name for name in imports(tree) if name in unsafe or name.split(".")[0] in unsafe]
    assert all(call.get("weights_only") is True for call in keywords_of_calls(tree, "torch.load"))
    assert all(call.get("allow_pickle") is False for call in keywords_of_calls(tree, "np.load", "numpy.load"))


def test_unpickling_would_be_found() -> None:
    tree = ast.parse("import torch\ntorch.load(path, weights_only=True)\ntorch.load(path)\n")
    assert list(keywords_of_calls(tree, "torch.load")) == [{"weights_only": True}, {}]


# The repository.


def test_the_snakefile_is_short() -> None:
    assert len((ROOT / "Snakefile").read_text(encoding="utf-8").splitlines()) < 60


def test_no_large_file_is_tracked() -> None:
    result = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True)
    if result.returncode:
        pytest.skip("not a git checkout")
    tracked = [ROOT / name for name in result.stdout.split("\0") if name]
    assert not [named(path) for path in tracked if path.is_file() and path.stat().st_size > 2 * 2**20]
