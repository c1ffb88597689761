"""JSON that users write or edit: a key that is given twice is an error, not its last value."""

import json
from collections.abc import Callable
from typing import Any


def parsed_json(text: str, constant: Callable[[str], Any] | None = None) -> Any:
    """The content of a JSON text; `constant` gets NaN and infinities.

    Raises ValueError for text that is not JSON (then a json.JSONDecodeError, with line and column) and for a key that
    is given twice, which it names with the keys above it; RecursionError for text that is nested too deeply.
    """
    twice: list[tuple[dict[str, Any], str]] = []

    def section_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        section = dict(pairs)
        if len(section) < len(pairs):
            names = [name for name, _ in pairs]
            twice.append((section, next(name for name in names if names.count(name) > 1)))
        return section

    content = json.loads(text, object_pairs_hook=section_of, parse_constant=constant)
    if twice:
        # Sections are read from the innermost outwards, so the last one was not itself replaced by a later value.
        section, name = twice[-1]
        raise ValueError(f"the key {'/'.join([*(_keys_to(section, content) or []), name])!r} is given twice")
    return content


def _keys_to(section: dict[str, Any], content: Any) -> list[str] | None:
    """The keys and positions that lead from `content` to `section`."""
    if content is section:
        return []
    if not isinstance(content, dict | list):
        return None
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        if (inner := _keys_to(section, value)) is not None:
            return [str(key), *inner]
    return None
