"""Links from the page to the files of the results beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import quote

MOST_LINKS = 120  # of one entry; of more, their folder is linked


@dataclass(frozen=True)
class Link:
    """A relative address and what is shown of it."""

    href: str
    text: str


@dataclass(frozen=True)
class DataFile:
    """An entry of the list of files: its path with placeholders, what it holds, and links to what there is of it."""

    path: str
    content: str
    links: Sequence[Link]


def data_files(files: Mapping[str, str], folder: Path, study: Mapping[str, Any]) -> list[DataFile]:
    """The entries of `files` (path with placeholders, such as {dataset}, to content) that exist in the folder."""
    names = {
        "dataset": [dataset["id"] for dataset in study["datasets"]["validation"]],
        "measure": study["measures"],
        "supernet": [supernet["id"] for supernet in study.get("supernets", ())],
    }
    entries = (DataFile(path, content, list(_links(path, folder, names))) for path, content in files.items())
    return [entry for entry in entries if entry.links]


def address(path: str) -> str:
    """A path as a relative address; a name in it may hold any sign."""
    return quote(path)


def _links(pattern: str, folder: Path, names: Mapping[str, Sequence[str]]) -> Iterator[Link]:
    pattern = pattern.split(", ")[0]
    fields = [field for _, field, _, _ in Formatter().parse(pattern) if field]
    if any(field not in names for field in fields):  # such as {member}: the folder has one file for each
        pattern = f"{pattern.rpartition('/')[0]}/"
        fields = [field for field in fields if f"{{{field}}}" in pattern]
        if any(field not in names for field in fields):
            pattern, fields = f"{pattern.split('{')[0]}", []
    every = [dict(zip(fields, row, strict=True)) for row in product(*(names[field] for field in fields))]
    paths = [pattern.format(**row) for row in every]
    found = [path for path in paths if (folder / path).exists()]
    if len(found) > MOST_LINKS:
        found = [f"{pattern.split('{')[0]}"]
    yield from (Link(address(path), path) for path in found)
