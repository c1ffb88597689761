"""Expands an entry of `members` with `from` to the members that it stands for.

Needs only the standard library and PyYAML, because the study is resolved before any job.
"""

import glob
import json
import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from scripts.lib.jobs.errors import StudyError, not_among, shown
from scripts.lib.jobs.strict_json import parsed_json
from scripts.lib.jobs.user_paths import DATASET, fault_of_file, fault_of_path, location
from scripts.lib.members.spec import MEMBER_KINDS
from scripts.lib.study.manifests import rows_of_manifest
from scripts.lib.study.patterns import matches, name_of, template

Entry = dict[str, Any]
MANIFESTS = (".csv", ".parquet")
LARGEST_HEADER = 100 << 20  # bytes; what safetensors itself allows


@cache
def kinds_of_suffixes() -> dict[str, str]:
    """The kind of member that a file becomes, for each suffix."""
    return {suffix: kind.name for kind in reversed(list(MEMBER_KINDS.values())) for suffix in kind.suffixes}


def expand(entries: Any, datasets: Sequence[str]) -> tuple[Any, list[Entry]]:
    """The members that `entries`, the section `members`, stands for, and what was found for its entries with `from`.

    `datasets` are the ids of the validation sets. A row of what was found has `entry` (the pattern), `path`, `member`
    (its id, or None if the file is skipped) and `reason`. Raises StudyError for a pattern if none of its files can be
    used.
    """
    if isinstance(entries, dict) and "from" in entries:
        entries = [entries]
    if not isinstance(entries, list):
        return entries, []
    taken = {str(entry.get("id")) for entry in entries if isinstance(entry, dict)}
    members: list[Any] = []
    found: list[Entry] = []
    for position, entry in enumerate(entries):
        if not (isinstance(entry, dict) and "from" in entry):
            members.append(entry)
            continue
        rows = list(_rows(entry, f"members/{position}/from", datasets, taken))
        members += [member for _, member, _ in rows if member]
        found += [
            {"entry": entry["from"], "path": path, "member": member and member["id"], "reason": reason}
            for path, member, reason in rows
        ]
    return members, found


Row = tuple[str, Entry | None, str]  # path; member, or None; why there is none (or a remark)


def _rows(entry: Entry, where: str, datasets: Sequence[str], taken: set[str]) -> Iterator[Row]:
    source, settings = entry["from"], {key: value for key, value in entry.items() if key != "from"}
    if not isinstance(source, str) or not source:
        raise StudyError(f"{where}: {shown(source)} is not a pattern of files or the path of a manifest.")
    if isinstance(kind := settings.get("kind"), str) and kind not in MEMBER_KINDS:
        raise StudyError(f"{where.removesuffix('/from')}/kind: {not_among(kind, MEMBER_KINDS)}")
    manifest = source.endswith(MANIFESTS) and not glob.has_magic(source)
    read = _of_manifest if manifest else _of_pattern
    rows = list(read(source, settings, where, datasets))
    if not any(member for _, member, _ in rows):
        relative = "" if Path(location(source)).is_absolute() else f"; the path is relative to {os.getcwd()}"
        reasons = "; ".join(f"{path}: {reason}" for path, _, reason in rows[:3])
        raise StudyError(f"{where}: {source} stands for no member ({reasons or f'no file matches{relative}'}).")
    for path, member, reason in rows:
        if member:
            member["id"] = _unique(member["id"], taken)
            taken.add(member["id"])
        yield path, member, reason


def _unique(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name}-{number}" for number in range(2, len(taken) + 3) if f"{name}-{number}" not in taken)


def _of_manifest(source: str, settings: Entry, where: str, datasets: Sequence[str]) -> Iterator[Row]:
    for number, row in enumerate(rows_of_manifest(source, settings, where), 1):
        yield _member(row, f"row {number}", datasets)


def _of_pattern(source: str, settings: Entry, where: str, datasets: Sequence[str]) -> Iterator[Row]:
    pattern = location(source)
    first = datasets[0] if datasets else ""
    for path, unfollowed in matches(pattern.replace(DATASET, first)):
        reason = unfollowed or fault_of_path(path) or fault_of_file(path)
        if not reason and path.endswith(".json"):
            continue  # settings beside a member's file
        file = template(pattern, path, first)
        of_suffix = kinds_of_suffixes().get(Path(path).suffix, "")
        stated = settings if reason or not of_suffix else _beside(file) | settings
        kind = stated.get("kind", of_suffix)
        key = _file_key(kind)
        if not reason and (not key or key != _file_key(of_suffix)):
            reason = f"files with the suffix {Path(path).suffix!r} cannot be members{_of_kind(stated)}"
        if reason:
            yield os.fsencode(path).decode("utf-8", "backslashreplace"), None, reason
            continue
        yield _member({"id": name_of(pattern, file), "kind": kind, key: file} | stated, path, datasets)


def _file_key(kind: Any) -> str:
    """The key that holds the file of a member; empty for kinds without files and for anything that is not a kind."""
    return (MEMBER_KINDS[kind].file_key or "") if isinstance(kind, str) and kind in MEMBER_KINDS else ""


def _of_kind(settings: Entry) -> str:
    return f" of kind {settings['kind']}" if "kind" in settings else ""


def _member(row: Entry, path: str, datasets: Sequence[str]) -> Row:
    """One member, from a row or file and the settings beside it; `path` identifies it if it has no file.

    A kind that has no files is not checked here: the schema says what is wrong with it.
    """
    kind = row.get("kind") or kinds_of_suffixes().get(Path(str(_file_of(row) or "")).suffix, _kind_of_files())
    file = row.get(_file_key(kind))
    shown_path = file if isinstance(file, str) and file else path
    if reason := _why_skipped(file, kind, row, datasets):
        return shown_path, None, reason
    row = {"kind": kind} | _beside(file) | row
    if _is_of_origin(kind, "weights"):
        row.setdefault("model", _model(file))
    name = row.get("id") or (Path(file).stem if isinstance(file, str) else str(row.get("model", "member")))
    row["id"] = re.sub(r"[^A-Za-z0-9._-]+", "-", str(name)).lstrip("._-") or "member"
    return shown_path, row, ""


def _file_of(row: Entry) -> Any:
    file = row.get("file", row.get("weights"))
    return next(iter(file.values()), None) if isinstance(file, dict) else file


def _is_of_origin(kind: Any, origin: str) -> bool:
    return isinstance(kind, str) and kind in MEMBER_KINDS and MEMBER_KINDS[kind].origin == origin


def _kind_of_files() -> str:
    """The kind that is assumed for files with any other suffix: files of predictions."""
    return next(kind.name for kind in MEMBER_KINDS.values() if kind.origin == "files")


def _why_skipped(file: Any, kind: Any, row: Entry, datasets: Sequence[str]) -> str:
    """Why the files of a member cannot be read, or an empty text."""
    if _is_of_origin(kind, "files"):
        return _why_predictions_are_skipped(file, datasets)
    if not _file_key(kind) or not isinstance(file, str):
        return ""
    path = MEMBER_KINDS[kind].file(row, "")
    fault = path and (fault_of_path(path) or fault_of_file(path))
    return f"{path} {fault}" if fault else ""


def _why_predictions_are_skipped(file: Any, datasets: Sequence[str]) -> str:
    if isinstance(file, str) and len(datasets) > 1 and DATASET not in file:
        return f"one file for {len(datasets)} validation sets: write {DATASET} where their ids belong"
    lacking, faults = [], []
    for dataset in datasets:
        path = file.get(dataset) if isinstance(file, dict) else file
        path = path.replace(DATASET, dataset) if isinstance(path, str) else ""
        fault = fault_of_path(path) or fault_of_file(path) if path else "does not exist"
        if fault == "does not exist":
            lacking.append(dataset)
        elif fault:
            faults.append(f"{path} {fault}")
    return "; ".join([f"no file for {', '.join(lacking)}"] * bool(lacking) + faults)


def _beside(file: Any) -> Entry:
    """The member's keys from the JSON file of the same name beside its file, if there is one."""
    path = Path(location(file)).with_suffix(".json") if isinstance(file, str) and Path(file).suffix else None
    if path is None or not path.is_file():
        return {}
    try:
        content = parsed_json(path.read_text(encoding="utf-8"), _refused)
    except (OSError, ValueError, RecursionError) as error:
        raise StudyError(f"{path}, the settings beside {file}, is not readable JSON ({error}).") from None
    if not isinstance(content, dict):
        raise StudyError(f"{path}, the settings beside {file}, is not a JSON object with keys of a member.")
    if named := [key for key in ("file", "weights") if key in content]:
        raise StudyError(f"{path}, the settings beside {file}, must not name another file: remove `{named[0]}`.")
    if wrong := [key for key in ("id", "kind") if key in content and not isinstance(content[key], str)]:
        raise StudyError(f"{path}, the settings beside {file}: `{wrong[0]}` must be text, in quotes.")
    return content


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _model(file: Any) -> str:
    """The name of the model: from the metadata of a safetensors file, or the file name up to the first hyphen."""
    if not isinstance(file, str):
        return ""
    path = Path(location(file))
    said = _metadata(path) if path.suffix == ".safetensors" and path.is_file() else {}
    return str(said.get("model") or said.get("architecture") or path.stem.split("-")[0])


def _metadata(path: Path) -> Entry:
    """The metadata of a safetensors file; empty if it is not such a file."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= LARGEST_HEADER else {}
        return dict(header.get("__metadata__", {}))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return {}
