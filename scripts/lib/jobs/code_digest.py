"""A digest of the code that determines a rule's result. Needs only the standard library.

Snakemake notices a changed script, but not a changed module that the script imports. The digest is a parameter of every
rule, so that a change in any module of the project that the script imports, directly or not, runs the rule again.
"""

import hashlib
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

from scripts.lib.jobs.parsed_code import Parsed, ParsedCode
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
        digest.update(f"{path.relative_to(ROOT).as_posix()}\n{_parsed(path).form}\n".encode())
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
    package = ".".join(path.relative_to(ROOT).parent.parts)
    full_names = (resolve_name(name, package) for name in _parsed(path).imports)
    names = (name for name in full_names if name.split(".")[0] in PACKAGES)
    return tuple(sorted({file for name in names for file in _files_of(ROOT, name)}))


@cache
def _files_of(root: Path, name: str) -> tuple[Path, ...]:
    """The files of `a.b.c`: those of the packages a and a.b, and of a.b.c if it is a module and not a function."""
    package, _, _ = name.rpartition(".")
    place = root.joinpath(*name.split("."))
    own = tuple(file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file())
    return (*_files_of(root, package), *own) if package else own


@cache
def _parsed(path: Path) -> Parsed:
    return _kept(ROOT).of(path)


@cache
def _kept(root: Path) -> ParsedCode:
    """What is known of the modules of the project, beside Python's own compiled modules."""
    return ParsedCode(root / "scripts" / "__pycache__")
