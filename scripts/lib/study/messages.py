"""Messages about errors in a study: the path of the key, its value, and what is allowed."""

import math
from collections.abc import Iterable
from typing import Any

import jsonschema

from scripts.lib.jobs.errors import not_among, shown
from scripts.lib.study.schema import NAMES

MOST_MESSAGES = 30
# The types of a schema in words.
_TYPES = {"array": "a list", "object": "a section of keys", "string": "text", "integer": "a whole number"}


def listed(messages: list[str]) -> str:
    """The text of an error that lists `messages`, each once."""
    messages = list(dict.fromkeys(messages))
    more = [f"and {len(messages) - MOST_MESSAGES} more"] if len(messages) > MOST_MESSAGES else []
    listing = "\n".join(f"  - {message}" for message in [*messages[:MOST_MESSAGES], *more])
    return f"the study file is not valid:\n{listing}\nEvery key is described in docs/config.md."


def readable(error: jsonschema.ValidationError, study: Any) -> str:
    """One line about a value that the schema does not allow."""
    where = path_of(error.absolute_path, study)
    if error.validator == "additionalProperties":
        allowed = error.schema["properties"]
        unknown = [key for key in error.instance if key not in allowed]
        return "; ".join(f"{where}: unknown key {not_among(key, allowed)}" for key in unknown)
    if error.validator == "enum":
        return f"{where}: {not_among(error.instance, error.validator_value)}"
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"{where}: missing {', '.join(missing)}"
    if error.validator == "multipleOf" and error.validator_value == 1:
        return f"{where}: {error.instance} is not a whole number" + _hint(error)
    if error.validator == "dependentRequired":
        return f"{where}: `of`, `corruption` and `severity` must be given together ({error.message})"
    if error.validator == "pattern":
        return f"{where}: {shown(error.instance)} may have only {NAMES}" + _hint(error)
    if error.validator in ("anyOf", "oneOf"):
        inside = [each for each in error.context or () if each.validator not in ("type", "const", "enum") or each.path]
        if inside:
            return readable(inside[0], study)
        return f"{where}: {shown(error.instance)} is not {_kinds(error.validator_value)}" + _hint(error)
    if error.validator == "type" and _is_number(error.instance):
        number = error.instance if error.instance.isdecimal() else repr(float(error.instance))
        return f"{where}: {error.message}; write {number} without quotes" + _hint(error)
    return f"{where}: {error.message}" + _hint(error)


def _is_number(value: Any) -> bool:
    """Whether a text has the form of a number, as 1e-2 does, which YAML reads as text."""
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


def _kinds(alternatives: Iterable[Any]) -> str:
    """What a value may be, for alternatives that are types or lists of values."""
    found: list[str] = []
    for schema in alternatives:
        found += [_TYPES.get(schema["type"], schema["type"])] if "type" in schema else []
        values = schema.get("enum", [schema["const"]] if "const" in schema else [])
        found += ["null" if value is None else f"`{value}`" for value in values]
    return " or ".join([", ".join(found[:-1]), *found[-1:]] if len(found) > 1 else found)


def _hint(error: jsonschema.ValidationError) -> str:
    description = error.schema.get("description") if isinstance(error.schema, dict) else None
    return f" ({' '.join(description.split())})" if description else ""


def path_of(path: Iterable[str | int], study: Any) -> str:
    """`members/2/epochs` with the id of the list entry, so that the reader need not count."""
    parts, place = [], study
    for part in path:
        place = place[part]
        name = place.get("id") if isinstance(part, int) and isinstance(place, dict) else None
        parts.append(f"{part} ({name})" if name else str(part))
    path = "/".join(parts) or "top level"
    return path.encode("utf-8", "backslashreplace").decode()  # an id with a lone surrogate could not be printed
