"""The files that the pattern of a zoo matches, and the names of their members. Needs only the standard library."""

import fnmatch
import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from scripts.lib.jobs.user_paths import DATASET

ANY_FOLDERS = "**"


def matches(pattern: str) -> list[tuple[str, str]]:
    """The paths that match a glob pattern, in order, each with the reason why it was not followed, or an empty text.

    Like glob.glob with `recursive`, but `**` does not follow links to a folder that contains them (endless recursion).
    """
    found: dict[str, str] = {}
    _match("", pattern, found)
    return sorted(found.items())


def _match(head: str, pattern: str, found: dict[str, str]) -> None:
    """Add to `found` what matches `pattern` below the folder `head`, whose name is not a pattern."""
    parts = pattern.split("/")
    if ANY_FOLDERS not in parts:
        for path in glob.glob(glob.escape(head) + pattern):
            found.setdefault(path, "")
        return
    place = parts.index(ANY_FOLDERS)
    before, after = "".join(f"{part}/" for part in parts[:place]), "/".join(parts[place + 1 :])
    for folder in glob.glob(glob.escape(head) + before) if before else [head]:
        for inner in _folders_below(folder, [os.path.realpath(folder)], found):
            if after:
                _match(inner, after, found)
            else:  # the pattern searches these folders; they are not results themselves
                for path in glob.glob(f"{glob.escape(inner)}*"):
                    if not os.path.isdir(path):
                        found.setdefault(path, "")


def _folders_below(folder: str, above: list[str], found: dict[str, str]) -> Iterator[str]:
    """A folder and all folders below it, with a slash; hidden ones are left out, as in glob.

    `above` are the real paths from the first folder to this one.
    """
    yield folder
    for path in sorted(glob.glob(f"{glob.escape(folder)}*/")):
        real = os.path.realpath(path)
        if any(Path(other).is_relative_to(real) for other in above):
            found[path.rstrip("/")] = "is a link to a folder that contains it and is not followed"
        else:
            yield from _folders_below(path, [*above, real], found)


def template(pattern: str, path: str, first: str) -> str:
    """`path` with `{dataset}` where the pattern has it; the path itself has `first` there."""
    expression = re.escape(first).join(f"({_expression(piece)})" for piece in pattern.split(DATASET))
    match = re.fullmatch(expression, path, re.DOTALL)
    return DATASET.join(match.groups()) if match else path


def _expression(pattern: str) -> str:
    """A glob pattern as a regular expression."""
    tokens = re.split(r"(\*\*/|\*\*|\*|\?|\[!?\]?[^]]*\])", pattern)
    translated = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return "".join(
        translated.get(token) or (_choice(token) if token[:1] == "[" else re.escape(token)) for token in tokens
    )


def _choice(token: str) -> str:
    """The expression for a set of characters such as [ab] or [!0-9], without what fnmatch puts around it."""
    expression = fnmatch.translate(token)
    return expression[len("(?s:") : expression.rindex(")")]


def name_of(pattern: str, file: str) -> str:
    """The name of a member: the parts of its path that the pattern does not fix."""
    wanted, parts = PurePosixPath(pattern).parts, list(PurePosixPath(file).parts)
    is_open = [glob.has_magic(part) for part in wanted]
    if True not in is_open:
        return PurePosixPath(file).stem
    fixed = is_open.index(True)
    if is_open[-1]:
        parts[-1] = PurePosixPath(parts[-1]).stem
    closed = {part for part, opened in zip(wanted[fixed:], is_open[fixed:], strict=True) if not opened}
    return "-".join(part for part in parts[fixed:] if part not in closed)
