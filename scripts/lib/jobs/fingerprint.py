"""Detects changes in a user's file or folder. Needs only the standard library.

Snakemake runs a job again if an input is newer than its outputs. That misses a file that was replaced by an older one
(`cp -p`) and all changes inside a folder. So rules that read a user's files have fingerprints of them as parameters.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

READ_UP_TO = 16 << 20  # bytes; for a larger file only size and time are used, because reading it takes too long


@cache
def fingerprint(path: str | Path, folders_only: bool = False) -> str:
    """Text that changes when the file or folder changes.

    For a file of up to 16 MiB it depends on the content, for a larger one on size and modification time. For a folder
    it depends on the relative paths, sizes and times of all files below it (links are followed), or with `folders_only`
    on the paths and times of the folders, which change when a file is added, removed or renamed, but not when it is
    overwritten. Computed once per process: a change while Snakemake runs is noticed by its next run.
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
    """Relative path, size and time of everything below a folder; a folder that is reached twice counts once."""
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
    except OSError:  # a broken link
        return name, -1, -1
    return name, state.st_size, state.st_mtime_ns


def _digest(parts: Iterable[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.encode(errors="surrogateescape") + b"\n")
    return digest.hexdigest()[:32]
