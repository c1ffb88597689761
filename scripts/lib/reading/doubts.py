"""What the records of files of predictions on one validation set say about probable mistakes in them."""

from collections.abc import Iterable, Mapping
from typing import Any

Record = Mapping[str, Any]


def copies(records: Iterable[Record]) -> list[list[str]]:
    """Members whose predictions are the same, in groups of two and more."""
    members: dict[str, list[str]] = {}
    for record in records:
        members.setdefault(record["checksums"]["predictions"], []).append(record["member"])
    return [alike for alike in members.values() if len(alike) > 1]


def samples_and_rows(records: Iterable[Record]) -> tuple[int, int] | None:
    """Numbers of samples and of rows of the shortest file, if more than half of the rows of each file are left out."""
    found = [(record["sample_count"], record["rows"]) for record in records if "rows" in record]
    samples, rows = min(found, key=lambda pair: pair[1], default=(0, 0))
    return (samples, rows) if 2 * samples < rows else None
