"""What `code_digest` needs to know of a module: what it imports, and its statements without what only says something.

Parsing the modules of the project takes a second, at every start of Snakemake. So what was found is kept in a file, as
Python keeps compiled modules, under the digest of the module's bytes. Needs only the standard library.
"""

import ast
import atexit
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# A file with more modules than this holds old versions, which are then left out.
MOST_KEPT = 2000


class Parsed(NamedTuple):
    """Names of what a module imports, at the top or in functions (`.name` from its package), and its normal form."""

    imports: list[str]
    form: str


def parse(source: bytes) -> Parsed:
    """The imports and the normal form of a module's source: without what does not count, in `ast.unparse`'s layout."""
    tree = ast.parse(source)
    imports = [name for statement in _statements(tree.body) for name in _imported_names(statement)]
    for body in _bodies(tree):
        body[:] = [_without_text(statement) for statement in body if not _only_says(statement)] or [ast.Pass()]
    return Parsed(imports, ast.unparse(tree))


class ParsedCode:
    """`parse` of modules, looked up in a file below `folder`, to which new ones are added when the process ends.

    The file's name has Python's version and the digest of this module, because both decide what `parse` returns. A file
    that cannot be read or written is no error: everything is parsed then.
    """

    def __init__(self, folder: Path) -> None:
        own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
        self.file = folder / f"parsed-{sys.implementation.cache_tag}-{sys.version_info.micro}-{own}.json"
        self.known, self.used = _read(self.file), set[str]()
        self.saved = len(self.known)

    def of(self, path: Path) -> Parsed:
        source = path.read_bytes()
        key = hashlib.sha256(source).hexdigest()
        if key not in self.known:
            if len(self.known) == self.saved:
                atexit.register(self.save)
            self.known[key] = parse(source)
        self.used.add(key)
        return self.known[key]

    def save(self) -> None:
        """Write what is known, so that the file is complete at every moment."""
        kept = self.known if len(self.known) <= MOST_KEPT else {key: self.known[key] for key in self.used}
        part = self.file.with_name(f".{self.file.name}.{os.getpid()}.part")
        with suppress(OSError):
            self.file.parent.mkdir(exist_ok=True)
            part.write_text(json.dumps(kept), encoding="utf-8")
            os.replace(part, self.file)
        with suppress(OSError):
            part.unlink()
        self.saved = len(self.known)


def _read(file: Path) -> dict[str, Parsed]:
    try:
        return {key: Parsed(*value) for key, value in json.loads(file.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):  # absent, or damaged in whatever way
        return {}


def _imported_names(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        names = [alias.name for alias in statement.names]
    elif isinstance(statement, ast.ImportFrom):
        module = "." * statement.level + (statement.module or "")
        names = [f"{module}{'' if module.endswith('.') else '.'}{alias.name}" for alias in statement.names]
    else:
        names = []
    yield from names


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
