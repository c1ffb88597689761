"""Reads JSON files that users name and may have edited: a message never says to delete them."""

import json
from pathlib import Path
from typing import Any

from scripts.lib.jobs.errors import StudyError, first_line
from scripts.lib.jobs.strict_json import parsed_json


def read_object(path: str | Path, kind: str, remedy: str) -> dict[str, Any]:
    """The content of a JSON file with an object, such as a deployment.json (`kind`).

    Raises StudyError for another file, where `remedy` says which one to name; with line and column for text that is not
    JSON; and for keys given twice.
    """
    foreign = StudyError(f"{path} is not a {kind} of this workflow: {remedy}.")
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise foreign from None
    if not text.lstrip().startswith("{"):
        raise foreign
    try:
        content: dict[str, Any] = parsed_json(text)
    except json.JSONDecodeError as error:
        raise StudyError(
            f"{path}, line {error.lineno}, column {error.colno}: the file is not valid JSON ({error.msg}). Undo the "
            "last change to it, or copy it again from the study's results."
        ) from None
    except RecursionError:
        raise foreign from None
    except ValueError as error:
        raise StudyError(
            f"{path}: {first_line(error)}. Correct it, or copy the file again from the study's results."
        ) from None
    return content
