"""Assigns the outputs of a model, or the columns of a file, to the classes of the study."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading.user_tables import read_lines, readable

# Names such as `0` or `class_3` give the number of a class; any other name that ends in a number is a class name.
NUMBERED = re.compile(r"((?:class|logit|probability|prob|score|column|p|c)?[_ -]?)(\d{1,9})(?:\.0+)?", re.IGNORECASE)
ANY_NUMBERED = re.compile(r"(.*?)(\d{1,9})(?:\.0+)?")
WITHOUT_SPACES = "spaces around the names of columns are left out"
IN_THEIR_ORDER = "the study has no names of classes: columns are taken in their order"
MOST_NAMES = 5


@dataclass(frozen=True)
class Outputs:
    """Outputs of a model: their number, the names of their columns, and the class names that the study gives them."""

    count: int
    columns: Sequence[str] | None = None
    stated: Sequence[str] | None = None


def stated_classes(classes: Sequence[str] | str | None) -> list[str] | None:
    """A model's class names from the study: a list, or a file with a JSON list or with one name per line."""
    if not isinstance(classes, str):
        return None if classes is None else list(classes)
    path = Path(classes).expanduser()
    if path.suffix != ".json":
        return read_lines(path)
    with readable(path):
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(found, list) or not all(type(name) in (str, int) for name in found):
        raise StudyError(f"{path} is not a JSON list of class names.")
    return [str(name) for name in found]


def class_order(names: Sequence[str] | None, study: Sequence[str], outputs: int, where: str) -> tuple[list[int], str]:
    """For each class of the study its position among a model's outputs, and a remark if the order differs.

    `names` are the model's classes, None if they are not known. Raises StudyError if classes are missing.
    """
    if names is None:
        if outputs != len(study):
            raise StudyError(f"{where} has {outputs} classes, but the study has {len(study)}.")
        return list(range(outputs)), ""
    if len(names) != outputs:
        raise StudyError(f"{where} has {outputs} classes, but {len(names)} class names are given.")
    place = {name: position for position, name in enumerate(names)}
    if len(place) < len(names):
        raise StudyError(f"{where} has two classes of the same name.")
    if lacking := sorted(set(study) - set(names)):
        raise StudyError(
            f"{where} has other classes than the study: missing are {', '.join(lacking[:MOST_NAMES])}; not in the "
            f"study are {', '.join(sorted(set(names) - set(study))[:MOST_NAMES]) or 'none'}."
        )
    order = [place[name] for name in study]
    if len(names) > len(study):
        return order, f"{len(names) - len(study)} classes that the study does not have are left out"
    return order, "" if order == list(range(outputs)) else "classes in another order: realigned by name"


def order_of(outputs: Outputs, study: Sequence[str], where: str) -> tuple[list[int], list[str]]:
    """Like `class_order`, for a file whose columns may have names or numbers; returns a list of remarks.

    Columns are assigned by name if they include all names of the study, by number if they are numbered, and otherwise
    in the order of the class names that the study gives. Raises StudyError if these contradict each other.
    """
    columns, stated = outputs.columns, outputs.stated
    if columns is None:
        order, remark = class_order(stated, study, outputs.count, where)
        return order, [remark] if remark else []
    if (stripped := without_spaces(columns, study)) != list(columns):
        order, said = order_of(Outputs(outputs.count, stripped, stated), study, where)
        return order, [WITHOUT_SPACES, *said]
    if stated and set(stated) & set(columns) and list(stated) != list(columns):
        raise StudyError(
            f"{where}: `classes` says {some(stated)}, but the columns are called {some(columns)}. Remove `classes`: "
            "columns that have class names are assigned by name."
        )
    numbers = numbers_in(columns)
    if not stated and set(study) <= set(columns) and (numbers is None or len(columns) == len(study)):
        order, remark = class_order(columns, study, outputs.count, where)
        left = [name for name in columns if name not in set(study)]
        return order, [f"{remark} ({some(left)})" if left else remark] if remark else []
    if stated or (numbers is None and not _are_plain_numbers(study)):
        sorted_order, remarks = _by_number(columns, where) if numbers else (list(range(outputs.count)), [])
        order, remark = class_order(stated or columns, study, outputs.count, where)
        return [sorted_order[place] for place in order], [*remarks, *([remark] if remark else [])]
    return _by_position(columns, study, where)


def without_spaces(columns: Sequence[str], wanted: Collection[str]) -> list[str]:
    """Names of columns without spaces around them, if only these include all that are `wanted`."""
    stripped = [name.strip() for name in columns]
    fits = not set(wanted) <= set(columns) and set(wanted) <= set(stripped) and len(set(stripped)) == len(stripped)
    return stripped if fits else list(columns)


def _by_position(columns: Sequence[str], study: Sequence[str], where: str) -> tuple[list[int], list[str]]:
    """Columns whose names cannot be compared with the study's, because either of them are numbers."""
    class_order(None, study, len(columns), where)
    if numbers_in(study) and not _are_plain_numbers(study) and numbers_in(columns):
        raise StudyError(
            f"{where}: the columns {some(columns)} and the classes of the study, {some(study)}, are numbered in "
            "different ways. Give the columns the names of the classes."
        )
    if mostly_numbered(columns):
        return _by_number(columns, where)
    require_ascending(columns, where)
    return list(range(len(columns))), [IN_THEIR_ORDER]


def require_ascending(columns: Sequence[str], where: str) -> None:
    """Raise StudyError for names such as `y1`, `y0`: in this order, labels would mean other classes."""
    found = [ANY_NUMBERED.fullmatch(name.strip()) for name in columns]
    if len({match and match[1] for match in found}) != 1 or found[0] is None:
        return
    numbers = [int(match[2]) for match in found if match]
    if numbers != sorted(numbers):
        raise StudyError(
            f"{where}: the columns {some(columns)} are numbered, but not in order. Name them `0`, `1`, …, or list the "
            "classes in the order of the labels in `class_names` under datasets."
        )


def _by_number(columns: Sequence[str], where: str) -> tuple[list[int], list[str]]:
    order = order_by_number(columns, where)
    said = "numbered columns in another order: sorted by their number"
    return order, [said] if order != sorted(order) else []


def mostly_numbered(names: Sequence[str]) -> bool:
    """Whether at least half of these are numbers, so that the others are probably not class names."""
    numbered = sum(bool(NUMBERED.fullmatch(name.strip())) for name in names)
    return bool(names) and 2 * numbered >= len(names)


def numbers_in(names: Sequence[str]) -> list[int] | None:
    """The numbers of columns that are all numbered, such as `0` or `class_3`; None if one is not."""
    found = [NUMBERED.fullmatch(name.strip()) for name in names]
    return [int(match[2]) for match in found if match] if all(found) else None


def order_by_number(columns: Sequence[str], where: str) -> list[int]:
    """Positions of numbered columns in the order of their numbers, which must be 0, 1, … or 1, 2, ….

    Raises StudyError for gaps, duplicate numbers, different names before the number, and columns without a number.
    """
    found = [NUMBERED.fullmatch(name.strip()) for name in columns]
    if wrong := [name for name, match in zip(columns, found, strict=True) if not match]:
        raise StudyError(
            f"{where}: the columns are numbered, but {some(wrong)} is not numbered. Remove it if it is not a class; "
            "if it is, list all classes in `class_names` under datasets."
        )
    stems = [match[1].lower() for match in found if match]
    if other := [name for name, stem in zip(columns, stems, strict=True) if stem != stems[0]]:
        raise StudyError(f"{where}: the columns {columns[0]!r} and {other[0]!r} are numbered differently.")
    numbers = [int(match[2]) for match in found if match]
    order = sorted(range(len(columns)), key=numbers.__getitem__)
    first = numbers[order[0]]
    if first > 1:
        raise StudyError(
            f"{where}: the numbers of the columns start at {first} ({columns[order[0]]!r}), not at 0 or 1."
        )
    for expected, place in enumerate(order, first):
        if numbers[place] < expected:
            before = columns[order[expected - first - 1]]
            raise StudyError(f"{where}: the columns {before!r} and {columns[place]!r} have the same number.")
        if numbers[place] > expected:
            raise StudyError(f"{where} has no column {stems[0]}{expected}, but it has {columns[place]!r}.")
    return order


def _are_plain_numbers(names: Sequence[str]) -> bool:
    return all(name == str(number) for number, name in enumerate(names))


def some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:MOST_NAMES])) + (", …" if len(names) > MOST_NAMES else "")
