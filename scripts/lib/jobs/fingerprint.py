"""What tells one version of a user's file or folder from another. Needs only the standard library.

Snakemake runs a job again where an input is newer than its outputs. That misses a file that was replaced by an older
one (`cp -p`), and whatever lies in a folder. So rules that read files of a user have their fingerprints as parameters.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

READ_UP_TO = 16 << 20  # bytes; a larger file is told by its size and time, because reading it takes too long


@cache
def fingerprint(path: str | Path, folders_only: bool = False) -> str:
    """Text that changes where the file or folder does: by content for a file of up to 16 MiB, else by size and time.

    A folder is told by the relative paths, sizes and times of all files below it, links followed; with `folders_only`
    by those of the folders, which change where a file is added, removed or renamed, but not where it is overwritten.
    Computed once per process: a change while Snakemake runs is seen by its next run.
    """
    path = Path(path).expanduser()
    try:
        if path.is_dir():
            return _digest(f"{name} {size} {time}" for name, size, time in sorted(_listing(path, folders_only)))
        state = path.stat()
        if state.st_size > READ_UP_TO:
            return f"{state.st_size} bytes of {state.st_mtime_ns}"
        return _digest([path.read_bytes()])
    except OSError as error:
        return f"not readable: {error.strerror}"


def _listing(root: Path, folders_only: bool) -> Iterator[tuple[str, int, int]]:
    """Relative path, size and time of what lies below a folder; a folder that is reached twice counts once."""
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        state = folder.stat()
        if (state.st_dev, state.st_ino) in seen:
            continue
        seen.add((state.st_dev, state.st_ino))
        if folders_only:
            yield str(folder).removeprefix(f"{root}{os.sep}"), 0, state.st_mtime_ns
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir():
                    waiting.append(Path(entry.path))
                elif not folders_only:
                    yield _of_file(entry, root)


def _of_file(entry: os.DirEntry[str], root: Path) -> tuple[str, int, int]:
    name = entry.path.removeprefix(f"{root}{os.sep}")
    try:
        state = entry.stat()
    except OSError:  # a link to nothing
        return name, -1, -1
    return name, state.st_size, state.st_mtime_ns


def _digest(parts: Iterable[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.encode(errors="surrogateescape") + b"\n")
    return digest.hexdigest()[:32]
