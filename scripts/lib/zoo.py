"""From an entry of `members` with `from` to the members that it stands for.

Needs only the standard library and PyYAML, because the study is resolved before any job; polars is loaded for a Parquet
manifest alone.
"""

import csv
import glob
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from scripts.lib.errors import StudyError

Entry = dict[str, Any]
KINDS = {
    ".npy": "predictions",
    ".npz": "predictions",
    ".csv": "predictions",
    ".parquet": "predictions",
    ".onnx": "onnx",
    ".safetensors": "timm",
    ".pt": "timm",
    ".pth": "timm",
}
MANIFESTS = (".csv", ".parquet")
# The key that holds the file of a member.
FILE_KEYS = {"predictions": "file", "onnx": "file", "timm": "weights", "torchvision": "weights"}
# Cells of a manifest that are paths (relative to it), and those that are text even where they look like numbers.
PATHS = ("file", "weights", "samples", "classes")
TEXTS = ("id", "kind", "model", *PATHS)
DATASET = "{dataset}"
LARGEST_HEADER = 100 << 20  # bytes; what safetensors itself allows


def expand(entries: Any, datasets: Sequence[str]) -> tuple[Any, list[Entry]]:
    """The members that `entries`, the section `members`, stands for, and what was found for its entries with `from`.

    `datasets` are the ids of the validation sets. A row of what was found has `entry` (the pattern), `path`, `member`
    (its id, or None where the file is skipped) and `reason`. Raises StudyError for a pattern of which nothing can be
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
            {"entry": str(entry["from"]), "path": path, "member": member and member["id"], "reason": reason}
            for path, member, reason in rows
        ]
    return members, found


Row = tuple[str, Entry | None, str]  # path, member or None, why not (or a remark)


def _rows(entry: Entry, where: str, datasets: Sequence[str], taken: set[str]) -> Iterator[Row]:
    source, settings = str(entry["from"]), {key: value for key, value in entry.items() if key != "from"}
    manifest = source.endswith(MANIFESTS) and not glob.has_magic(source)
    read = _of_manifest if manifest else _of_pattern
    rows = list(read(source, settings, where, datasets))
    if not any(member for _, member, _ in rows):
        reasons = "; ".join(f"{path}: {reason}" for path, _, reason in rows[:3])
        raise StudyError(f"{where}: {source} stands for no member ({reasons or 'no file matches'}).")
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
    folder = Path(source).expanduser().parent
    for number, cells in enumerate(_table(source, where), 1):
        row = settings | _nested(cells)
        for key in PATHS:
            if key in row:
                row[key] = _below(folder, row[key])
        yield _member(row, f"row {number}", datasets)


def _table(source: str, where: str) -> list[Entry]:
    """Rows of a manifest, without empty cells."""
    path = Path(source).expanduser()
    try:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = [{str(key): _cell(str(key), text) for key, text in row.items()} for row in csv.DictReader(file)]
        else:
            import polars

            rows = polars.read_parquet(path).to_dicts()
    except Exception as error:  # noqa: BLE001 - whatever a damaged file makes a reader raise
        raise StudyError(f"{where}: the manifest {source} cannot be read ({error}).") from None
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


def _cell(key: str, text: str | None) -> Any:
    if not text:
        return None
    if key.split(".")[0] in TEXTS:
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _nested(cells: Entry) -> Entry:
    """A column `file.clean` is the key `clean` of the section `file`."""
    row: Entry = {}
    for key, value in cells.items():
        section, _, inner = key.partition(".")
        if inner:
            row.setdefault(section, {})[inner] = value
        else:
            row[section] = value
    return row


def _below(folder: Path, path: Any) -> Any:
    if isinstance(path, dict):
        return {key: _below(folder, value) for key, value in path.items()}
    return str(folder / Path(path).expanduser()) if isinstance(path, str) else path


def _of_pattern(source: str, settings: Entry, where: str, datasets: Sequence[str]) -> Iterator[Row]:
    pattern = str(Path(source).expanduser())
    first = datasets[0] if datasets else ""
    paths = sorted(glob.glob(pattern.replace(DATASET, first), recursive=True))
    for path in paths:
        if not Path(path).is_file():
            continue
        file = _template(pattern, path, first)
        kind = settings.get("kind", KINDS.get(Path(path).suffix))
        if path.endswith(".json"):
            continue  # settings that lie beside a member's file
        if kind not in FILE_KEYS or FILE_KEYS[kind] != FILE_KEYS.get(KINDS.get(Path(path).suffix, "")):
            yield path, None, f"a file {Path(path).suffix!r} is no member{_of_kind(settings)}"
            continue
        row = {"id": _name(pattern, file), "kind": kind, FILE_KEYS[kind]: file} | settings
        yield _member(row, path, datasets)


def _of_kind(settings: Entry) -> str:
    return f" of kind {settings['kind']}" if "kind" in settings else ""


def _member(row: Entry, path: str, datasets: Sequence[str]) -> Row:
    """One member, put together from a row or file and what lies beside it; `path` names it where it has no file."""
    kind = row.get("kind") or KINDS.get(Path(str(_file_of(row) or "")).suffix, "predictions")
    file = row.get(FILE_KEYS.get(kind, ""))
    row = {"kind": kind} | _beside(file) | row
    shown = str(file or path) if isinstance(file, str | None) else path
    if kind in ("timm", "torchvision"):
        row.setdefault("model", _model(file))
    if reason := _missing(file, kind, datasets):
        return shown, None, reason
    name = row.get("id") or (Path(file).stem if isinstance(file, str) else str(row.get("model", "member")))
    row["id"] = re.sub(r"[^A-Za-z0-9._-]+", "-", str(name)).lstrip("._-") or "member"
    return shown, row, ""


def _file_of(row: Entry) -> Any:
    file = row.get("file", row.get("weights"))
    return next(iter(file.values()), None) if isinstance(file, dict) else file


def _missing(file: Any, kind: str, datasets: Sequence[str]) -> str:
    """Why the files of a member cannot be read, or nothing."""
    if kind == "predictions":
        files = [file.get(name, "") if isinstance(file, dict) else str(file or "") for name in datasets]
        if len(datasets) > 1 and isinstance(file, str) and DATASET not in file:
            return f"one file for {len(datasets)} validation sets: write {DATASET} where their ids belong"
        lacking = [
            name for name, path in zip(datasets, files, strict=True) if not _is_file(path.replace(DATASET, name))
        ]
        return f"no file for {', '.join(lacking)}" if lacking else ""
    # A name without a suffix means weights that the library has itself.
    return (
        f"{file} does not exist" if isinstance(file, str) and Path(file).suffix in KINDS and not _is_file(file) else ""
    )


def _is_file(path: str) -> bool:
    return Path(path).expanduser().is_file()


def _beside(file: Any) -> Entry:
    """Keys of the member in a JSON file of the same name beside its file, if there is one."""
    path = Path(file).expanduser().with_suffix(".json") if isinstance(file, str) and Path(file).suffix else None
    if path is None or not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StudyError(f"{path}, the settings beside {file}, is not readable JSON ({error}).") from None
    if not isinstance(content, dict):
        raise StudyError(f"{path}, the settings beside {file}, is no JSON object of a member's keys.")
    return content


def _model(file: Any) -> str:
    """The model's name: what a safetensors file says of itself, or the file's name up to the first hyphen."""
    if not isinstance(file, str):
        return ""
    path = Path(file).expanduser()
    said = _metadata(path) if path.suffix == ".safetensors" and path.is_file() else {}
    return str(said.get("model") or said.get("architecture") or path.stem.split("-")[0])


def _metadata(path: Path) -> Entry:
    """The text that a safetensors file carries beside its tensors; nothing where it is no such file."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= LARGEST_HEADER else {}
        return dict(header.get("__metadata__", {}))
    except (ValueError, AttributeError, TypeError):
        return {}


def _template(pattern: str, path: str, first: str) -> str:
    """`path` with `{dataset}` where the pattern has it."""
    pieces = pattern.split(DATASET)
    expression = re.escape(first).join(f"({_expression(piece)})" for piece in pieces)
    match = re.fullmatch(expression, path)
    return DATASET.join(match.groups()) if match else path


def _expression(pattern: str) -> str:
    """A glob pattern as a regular expression."""
    tokens = re.split(r"(\*\*/|\*|\?|\[[^]]+\])", pattern)
    translated = {"**/": r"(?:.*/)?", "*": r"[^/]*", "?": r"[^/]"}
    return "".join(
        translated.get(token) or (token.replace("[!", "[^") if glob.has_magic(token) else re.escape(token))
        for token in tokens
    )


def _name(pattern: str, file: str) -> str:
    """A member's name: the parts of its path that the pattern leaves open."""
    wanted, parts = PurePosixPath(pattern).parts, list(PurePosixPath(file).parts)
    fixed = next(place for place, part in enumerate(wanted) if _open(part)) if any(map(_open, wanted)) else -1
    if fixed < 0:
        return PurePosixPath(file).stem
    if _open(wanted[-1]):
        parts[-1] = PurePosixPath(parts[-1]).stem
    closed = {part for part in wanted[fixed:] if not _open(part)}
    return "-".join(part for part in parts[fixed:] if part not in closed)


def _open(part: str) -> bool:
    return glob.has_magic(part)


def skipped(found: Iterable[Entry]) -> list[Entry]:
    """The rows of what was found that became no member."""
    return [row for row in found if row["member"] is None]
