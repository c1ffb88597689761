"""What a study can hold: sections with keys of text, lists, text, finite numbers, truth values and null.

YAML has more (dates, bytes, numbers that are not finite, aliases that contain themselves), which neither JSON nor the
arguments of a program can hold. YAML also has an order of keys, which has no meaning in a study.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.lib.jobs.errors import MOST_CHARACTERS, shown

MOST_LEVELS = 50
LARGEST_INTEGER = 2**63 - 1
# The names of a section come before its other keys, for readers of study.json and of the report.
FIRST_KEYS = ("name", "id", "kind")

Place = tuple[str | int, ...]


def faults(value: Any, place: Place = (), above: tuple[int, ...] = ()) -> Iterator[tuple[Place, str]]:
    """The places where `value` holds something that a study cannot hold, and why not.

    `above` are the identities of the sections and lists that contain `value`.
    """
    if not isinstance(value, Mapping | list):
        if reason := _fault_of_scalar(value):
            yield place, reason
    elif id(value) in above:
        yield place, "contains itself (a YAML alias of a section or list that contains it)"
    elif len(above) > MOST_LEVELS:
        yield place, f"is nested more than {MOST_LEVELS} levels deep"
    else:
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in items:
            if isinstance(value, Mapping) and not isinstance(key, str):
                yield place, f"the key {key!r} is not text; write it in quotes"
            elif reason := _fault_of_scalar(key):
                yield place, f"the key {reason}"
            else:
                yield from faults(inner, (*place, key), (*above, id(value)))


def _fault_of_scalar(value: Any) -> str:
    """Why a study cannot hold a value, or an empty text."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return "" if -LARGEST_INTEGER <= value <= LARGEST_INTEGER else f"{_digits(value)} is too large"
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"{value} is not a finite number"
    if isinstance(value, str):
        return _fault_of_text(value)
    return f"{shown(value)} is of type {type(value).__name__}, which a study cannot hold; write it in quotes"


def _digits(value: int) -> str:
    digits = int(value.bit_length() * math.log10(2)) + 1
    return str(value) if digits < MOST_CHARACTERS else f"a whole number of {digits} digits"


def _fault_of_text(text: str) -> str:
    if "\0" in text:
        return f"{shown(text)} has a NUL character, which neither a path nor an argument can have; remove it"
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"{shown(text)} cannot be written as UTF-8; use other characters"
    return ""


def canonical(value: Any) -> Any:
    """The same value in plain dictionaries and lists, with keys in an order that does not depend on the file.

    Snakemake compares parameters by their text, in which keys have an order. Without this, a study whose keys are
    reordered would be trained again. Lists keep their order, which has a meaning.
    """
    if isinstance(value, Mapping):
        return {key: canonical(value[key]) for key in sorted(value, key=lambda key: (key not in FIRST_KEYS, key))}
    return [canonical(inner) for inner in value] if isinstance(value, list) else value
