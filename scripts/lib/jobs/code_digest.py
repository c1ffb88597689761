"""A digest of the code that determines a rule's result. Needs only the standard library.

Snakemake notices a changed script, but not a changed module that the script imports. The digest is a parameter of every
rule, so that a change in any module of the project that the script imports, directly or not, runs the rule again.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from scripts.lib.jobs.paths import ROOT

PACKAGES = ("scripts", "kernels")
# Modules that do not affect any result. All other modules that a script imports, directly or not, count.
LEFT_OUT = {
    "scripts/lib/jobs/job.py",  # log files, progress and how errors are shown
    "scripts/lib/jobs/errors.py",  # how errors are shown
    "scripts/lib/jobs/paths.py",  # where the project is
    "scripts/lib/jobs/versions.py",  # the versions in records: a new commit alone does not change a result
}


@cache
def code_digest(script: Path, *specs: Path) -> str:
    """Digest of the code of `script` and of all modules of the project that it imports, directly or not.

    `specs` are the files of the specs that determine the result. A registry loads them without an import statement, so
    they are named here: the file of one measure, for example, so that a new measure does not make old results stale.

    Comments, docstrings, the `documentation` of specs, log messages and the texts of exceptions do not count: a
    corrected message must not train a network again.
    """
    digest = hashlib.sha256()
    for path in sorted(set().union(*map(closure, (script, *specs)))):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\n{_normal_form(path)}\n".encode())
    return digest.hexdigest()[:16]


def closure(script: Path) -> set[Path]:
    """`script` and the files of all modules of the project that it imports, directly or not, except LEFT_OUT."""
    found: set[Path] = set()
    waiting = [script.resolve()]
    while waiting:
        path = waiting.pop()
        if path not in found and path.relative_to(ROOT).as_posix() not in LEFT_OUT:
            found.add(path)
            waiting += imported_files(path)
    return found


@cache
def imported_files(path: Path) -> tuple[Path, ...]:
    """The project's files that a module imports, at the top or in functions, and the packages that contain them."""
    names = [name for statement in _statements(_tree(path).body) for name in _imported_names(statement)]
    return tuple(sorted({file for name in names for file in _files_of(name)}))


def _imported_names(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        names = [alias.name for alias in statement.names]
    elif isinstance(statement, ast.ImportFrom):
        names = [f"{statement.module}.{alias.name}" for alias in statement.names]
    else:
        names = []
    yield from (name for name in names if name.split(".")[0] in PACKAGES)


def _files_of(name: str) -> Iterator[Path]:
    """The files of `a.b.c`: those of the packages a and a.b, and of a.b.c if it is a module and not a function."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        place = ROOT.joinpath(*parts[:length])
        yield from (file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file())


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _normal_form(path: Path) -> str:
    """A module's source without what does not count, in the layout of `ast.unparse`."""
    tree = _tree(path)
    for body in _bodies(tree):
        body[:] = [_without_text(statement) for statement in body if not _only_says(statement)] or [ast.Pass()]
    return ast.unparse(tree)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a block, including those of inner blocks. Expressions are not searched: that would be slow."""
    for statement in body:
        yield statement
        for inner in _blocks(statement):
            yield from _statements(inner)


def _bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """All blocks of statements of a module, the inner ones first."""
    for block in _blocks(node):
        for statement in block:
            yield from _bodies(statement)
        yield block


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The blocks of statements directly below a node: its body, `else`, exception handlers and cases."""
    for name in ("body", "orelse", "finalbody"):
        if isinstance(block := getattr(node, name, None), list):
            yield block
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _only_says(statement: ast.stmt) -> bool:
    """Whether a statement is `pass`, a docstring or a call such as `log.info(...)`."""
    if isinstance(statement, ast.Pass):
        return True
    if not isinstance(statement, ast.Expr):
        return False
    value = statement.value
    called = value.func if isinstance(value, ast.Call) else None
    logs = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "log"
    return isinstance(value, ast.Constant) or logs


def _without_text(statement: ast.stmt) -> ast.stmt:
    """`raise Error` instead of `raise Error("text")`; a spec, `NAME = Spec(...)`, without its `documentation`."""
    if isinstance(statement, ast.Raise) and isinstance(statement.exc, ast.Call):
        statement.exc = statement.exc.func
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
        keywords = statement.value.keywords
        statement.value.keywords = [keyword for keyword in keywords if keyword.arg != "documentation"]
    return statement
