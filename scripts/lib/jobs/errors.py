"""Errors that are shown to the user as a message, never as a traceback."""

import difflib
import os
from collections.abc import Iterable
from typing import Any

MOST_CHARACTERS = 80


class StudyError(Exception):
    """An error that the user can fix: the message names the file or key, the value, and what to do."""


def printable(text: str | os.PathLike[str]) -> str:
    """A path or name in a form that a message can show: on one line, with bytes that are not UTF-8 escaped."""
    return "".join(character if character.isprintable() else _escaped(character) for character in os.fspath(text))


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python holds a byte of a file name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def first_line(error: BaseException, length: int = 200) -> str:
    """The first line of a library's error message; the name of the exception if it has no message."""
    lines = str(error).strip().splitlines()
    return lines[0][:length] if lines else type(error).__name__


def shown(value: Any) -> str:
    """A value for a message, shortened if it is long."""
    text = repr(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} …"


def listing(names: Iterable[str], most: int = 8) -> str:
    """Names for a message in their order, without those beyond the first `most`, whose number it says."""
    listed = [printable(name) for name in names]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def not_among(value: Any, allowed: Iterable[Any], most: int | None = None) -> str:
    """Text that says that a value is not among the allowed ones, with the most similar one as a suggestion.

    Only the first `most` of the allowed ones are listed, or all of them.
    """
    names = ["null" if name is None else str(name) for name in allowed]
    if not names:
        return f"there is nothing that {shown(value)} could name"
    close = difflib.get_close_matches(str(value), names, n=1)
    suggestion = f"; did you mean {close[0]!r}?" if close else ""
    return f"{shown(value)} is not one of {listing(names, most or len(names))}{suggestion}"
