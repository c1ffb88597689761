"""What a digest of code sees: every statement of every module that a script reaches, and nothing else."""

import ast
from modulefinder import ModuleFinder
from pathlib import Path

import pytest

from scripts.lib.jobs import code_digest
from scripts.lib.jobs.paths import ROOT

SCRIPTS = sorted(path for path in (ROOT / "scripts").glob("*.py") if path.name != "__init__.py")

MODULES = {
    "scripts/__init__.py": "",
    "scripts/run.py": "from scripts.lib.near import near\n\nnear()\n",
    "scripts/lib/__init__.py": "",
    "scripts/lib/near.py": "def near() -> int:\n    from scripts.lib import far\n\n    return far.far()\n",
    "scripts/lib/far.py": "import kernels.add\n\ndef far() -> int:\n    return kernels.add.add(1, 2)\n",
    "scripts/lib/other.py": "x = 1\n",
    "scripts/lib/jobs/job.py": "x = 1\n",
    "kernels/__init__.py": "",
    "kernels/add.py": "from . import bits\nfrom .sums import plus\n\ndef add(a, b):\n    return plus(a, b)\n",
    "kernels/bits.py": "x = 1\n",
    "kernels/sums.py": "def plus(a, b):\n    return a + b\n",
}


class Project:
    """A small project with one script."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in MODULES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def digest(self) -> str:
        for function in (code_digest.code_digest, code_digest.imported_files, code_digest._parsed):
            function.cache_clear()
        return code_digest.code_digest(self.root / "scripts" / "run.py")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(code_digest, "ROOT", tmp_path)
    return Project(tmp_path)


UNREACHED = ["scripts/lib/other.py", "scripts/lib/jobs/job.py"]
REACHED = [name for name in MODULES if name not in UNREACHED]


@pytest.mark.parametrize("name", REACHED)
def test_a_changed_statement_anywhere_in_what_a_script_reaches_changes_its_digest(name: str, project: Project) -> None:
    before = project.digest()
    project.write(name, MODULES[name] + "y = 2\n")
    assert project.digest() != before


@pytest.mark.parametrize("name", UNREACHED)
def test_what_a_script_does_not_reach_or_what_only_logs_does_not_count(name: str, project: Project) -> None:
    before = project.digest()
    project.write(name, "x = 2\n")
    assert project.digest() == before


BASE = """def f(x):
    if x > 1:
        raise ValueError("large")
    return x
"""
SAME = {
    "comment": BASE.replace("return x", "return x  # as it is"),
    "docstring": BASE.replace("def f(x):\n", 'def f(x):\n    """Text."""\n'),
    "text of an exception": BASE.replace('"large"', 'f"{x} is too large"'),
    "layout": BASE.replace("x > 1", "(x\n        > 1)"),
}
OTHER = {
    "condition": BASE.replace("x > 1", "x > 2"),
    "exception": BASE.replace("ValueError", "TypeError"),
    "result": BASE.replace("return x", "return -x"),
    "default": BASE.replace("f(x)", "f(x=0)"),
    "text that is a value": BASE.replace("return x", 'return "x"'),
    "else": BASE + "for i in range(3):\n    pass\nelse:\n    z = 1\n",
}


@pytest.mark.parametrize("change", SAME)
def test_comments_and_texts_do_not_count(change: str, project: Project) -> None:
    project.write("scripts/lib/far.py", BASE)
    before = project.digest()
    project.write("scripts/lib/far.py", SAME[change])
    assert project.digest() == before


@pytest.mark.parametrize("change", OTHER)
def test_everything_else_counts(change: str, project: Project) -> None:
    project.write("scripts/lib/far.py", BASE)
    before = project.digest()
    project.write("scripts/lib/far.py", OTHER[change])
    assert project.digest() != before


def test_a_line_that_only_logs_does_not_count_at_any_depth(project: Project) -> None:
    loop = "for i in range(3):\n    with open(str(i)) as f:\n        {}\n"
    project.write("scripts/lib/far.py", loop.format('log.info("%d", i)'))
    before = project.digest()
    project.write("scripts/lib/far.py", loop.format('log.warning("read %d", i)'))
    assert project.digest() == before
    project.write("scripts/lib/far.py", loop.format("f.read()"))
    assert project.digest() != before


def test_the_documentation_of_a_spec_does_not_count_but_its_title_does(project: Project) -> None:
    spec = 'SPEC = Measure(title="Overlap", documentation=Documentation(definition="the overlap."))\n'
    project.write("scripts/lib/far.py", spec)
    before = project.digest()
    project.write("scripts/lib/far.py", spec.replace("the overlap", "the share of common pixels"))
    assert project.digest() == before
    project.write("scripts/lib/far.py", spec.replace("Overlap", "Common pixels"))
    assert project.digest() != before


def test_what_was_kept_by_another_process_changes_no_digest(project: Project) -> None:
    before = project.digest()
    code_digest._kept(project.root).save()
    [kept] = (project.root / "scripts" / "__pycache__").iterdir()
    code_digest._kept.cache_clear()
    assert project.digest() == before
    project.write("scripts/lib/far.py", MODULES["scripts/lib/far.py"] + "y = 2\n")
    assert project.digest() != before
    project.write("scripts/lib/far.py", MODULES["scripts/lib/far.py"])
    kept.write_text("{", encoding="utf-8")
    code_digest._kept.cache_clear()
    assert project.digest() == before


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_closure_has_every_module_of_the_project_that_python_s_own_finder_finds(script: Path) -> None:
    finder = ModuleFinder([str(ROOT)])
    finder.run_script(str(script))
    files = {Path(module.__file__).resolve() for module in finder.modules.values() if module.__file__}
    expected = {path for path in files if path.relative_to(ROOT).parts[0] in code_digest.PACKAGES}
    assert script in expected
    assert expected - {ROOT / name for name in code_digest.LEFT_OUT} <= code_digest.closure(script)


def test_what_is_left_out_exists_and_decides_no_number() -> None:
    for name in code_digest.LEFT_OUT:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not {"torch", "numpy", "polars"} & {
            node.names[0].name.split(".")[0] for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import)
        }
