"""Messages about errors in a study: the path of the key, its value, and what is allowed."""

from collections.abc import Iterable
from typing import Any

import jsonschema

from scripts.lib.jobs.errors import not_among

MOST_MESSAGES = 30


def listed(messages: list[str]) -> str:
    """The text of an error that lists `messages`."""
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
    return f"{where}: {error.message}" + _hint(error)


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
