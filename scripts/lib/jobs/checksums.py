"""Checksums of files: the job that writes a file records them, and every job that computes with the file compares."""

from pathlib import Path
from typing import Any

import xxhash

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json

BYTES_AT_ONCE = 1 << 22


def checksums(**files: str | Path) -> dict[str, str]:
    """XXH3 of each file's bytes, by name, for a record; `xxh128sum` prints the same values."""
    return {name: _checksum(path) for name, path in files.items()}


def _checksum(path: str | Path) -> str:
    digest = xxhash.xxh3_128()
    with Path(path).open("rb") as file:
        while block := file.read(BYTES_AT_ONCE):
            digest.update(block)
    return digest.hexdigest()


def recorded_checksums(record: str | Path) -> dict[str, Any]:
    """The section `checksums` of a record; empty if it has none."""
    content = load_json(record)
    section = content.get("checksums") if isinstance(content, dict) else None
    return section if isinstance(section, dict) else {}


def require_undamaged(record: str | Path, remedy: str = "Delete both", **files: str | Path) -> None:
    """Raise StudyError if a file does not have the checksum in the section `checksums` of `record`.

    `remedy` is what to do before the workflow is run again.
    """
    recorded = recorded_checksums(record)
    for name, path in files.items():
        if not isinstance(recorded.get(name), str):
            raise StudyError(f"{record} has no checksum of {path}. {remedy} and run again.")
        try:
            found = _checksum(path)
        except FileNotFoundError:
            raise StudyError(f"{path} is missing: run the workflow again to make it.") from None
        if found != recorded[name]:
            raise StudyError(
                f"{path} was damaged or changed after it was written: its checksum (XXH3) is {found}, {record} says "
                f"{recorded[name]}. {remedy} and run again."
            )
