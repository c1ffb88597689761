"""The user's files that a member names. Needs only the standard library, because the rules import this module."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.lib.jobs.user_paths import DATASET, location
from scripts.lib.members.spec import kind_of

Member = Mapping[str, Any]


def lists_of_member(member: Member, dataset: str = "") -> list[str]:
    """The files with the sample ids and the class names of a member, if it has any."""
    return [path for key in ("samples", "classes") if (path := _list_of(member, key, dataset))]


def _list_of(member: Member, key: str, dataset: str) -> str | None:
    value = member.get(key)
    return location(value.replace(DATASET, dataset)) if isinstance(value, str) else None


def named_by_member(member: Member, datasets: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Key and path of every file that a member names."""
    kind = kind_of(member)
    for key, path_of in [
        (kind.file_key, kind.file),
        ("samples", lambda member, dataset: _list_of(member, "samples", dataset)),
        ("classes", lambda member, dataset: _list_of(member, "classes", dataset)),
    ]:
        paths = dict.fromkeys(path_of(member, dataset) for dataset in datasets)
        yield from ((str(key), path) for path in paths if path is not None)


def record_of_training(folder: Path, member: Mapping[str, Any]) -> Path:
    """Where the record of a member's training is, if it was trained."""
    place = Path("groups", member["group"]) if "group" in member else Path("checkpoints")
    return folder / place / f"{member['id']}.json"
