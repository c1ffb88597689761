"""Strict reading of a study file: refuses what a lenient YAML reader would silently accept.

Needs only the standard library and PyYAML, because the rules use it to check the file that Snakemake has read.
"""

import codecs
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from scripts.lib.jobs.errors import StudyError

Place = tuple[str, ...]
MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
NOT_DECIMAL = re.compile(r"[-+]?(0[0-7_]*[0-7][0-7_]*|[0-9][0-9_:.]*:[0-9_:.]+)")
SAVE = "save it as UTF-8 (in most editors: Save with encoding)"


class _Loader(yaml.SafeLoader):
    """Names the line of a value that cannot be constructed, such as the date 2020-13-45."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except Exception as error:  # noqa: BLE001 - PyYAML's constructors raise anything for an invalid value
            reason = f"{type(error).__name__}: {error}"
            raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark) from None


def read_study(path: str | Path) -> dict[str, Any]:
    """The content of a study file (YAML or JSON), not yet resolved.

    Raises StudyError, with the line, for a file that does not exist, is not UTF-8 text or not YAML, has no keys at its
    top level, gives a key twice, or has an alias of a section that contains it.
    """
    content = _checked(path)
    if not isinstance(content, dict):
        raise StudyError(f"{path} must hold a study's keys (`name`, `datasets`, `members`, …), not {_kind(content)}.")
    return content


def check_study_file(path: str | Path) -> None:
    """Refuse what `read_study` refuses, in a file that Snakemake has already read."""
    _checked(path)


def _checked(path: str | Path) -> Any:
    """The content of the file. JSON is read as JSON, as Snakemake does, and checked as YAML, which it also is.

    The only exception is tabs between values: JSON allows them, YAML does not. JSON has no tabs elsewhere.
    """
    text = _text(path)
    try:
        is_json, content = _json(text)
        loader = _Loader(text.replace("\t", " ") if is_json else text)
        node = loader.get_single_node()
        found = list(_faults(node, (), [], set())) if node else []
        if not found and not is_json:
            content = loader.construct_document(node) if node else None
    except RecursionError:
        raise StudyError(f"{path} is nested too deeply.") from None
    except yaml.YAMLError as error:
        raise StudyError(f"{path}{_line(error, text)}: {_reason(error)}.") from None
    if found:
        raise StudyError("\n  - ".join([f"{path} is not a valid study file:", *found]))
    return content


def _json(text: str) -> tuple[bool, Any]:
    """Whether the text is JSON, and its content."""
    try:
        return True, json.loads(text)
    except ValueError:
        return False, None


def _text(path: str | Path) -> str:
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).") from None
    for mark, name in MARKS.items():
        if content.startswith(mark):
            raise StudyError(f"{path} is text in {name}; {SAVE}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}{_not_utf8(content, error.start)}") from None
    if "\0" in text:
        raise StudyError(f"{path}{_not_utf8(content, content.index(0))}")
    return text


def _not_utf8(content: bytes, position: int) -> str:
    zeros = content.count(0)
    if zeros and content.isascii() and 2 * zeros >= len(content) - 1:
        return f" is text in UTF-16; {SAVE}."
    if zeros or sum(byte < 9 for byte in content) > len(content) / 100:
        return f" is not a text file (the byte 0x{content[position]:02x} at position {position})."
    character = content[position : position + 1].decode("cp1252", "replace")
    return (
        f", line {content[:position].count(10) + 1}: the byte 0x{content[position]:02x} is not UTF-8 (in Latin-1 or "
        f"Windows-1252 it is {character!r}); {SAVE}."
    )


def _faults(node: yaml.Node, place: Place, above: list[yaml.Node], seen: set[int]) -> Iterator[str]:
    """Keys given twice, aliases of a section that contains them, and numbers that YAML reads differently than expected.

    A section that has several aliases is checked once.
    """
    if any(node is other for other in above):
        line = node.start_mark.line + 1
        yield f"{'/'.join(place)}: the section or list that begins in line {line} contains itself through this alias"
        return
    if isinstance(node, yaml.ScalarNode):
        if is_misread(node):
            read, line = yaml.safe_load(node.value), node.start_mark.line + 1
            yield (
                f"{'/'.join(place)}: {node.value} in line {line} is read as {read} in YAML 1.1: write "
                "the number in decimal, or in quotes if it is text"
            )
        return
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        inner = [(str(number), value) for number, value in enumerate(node.value)]
    else:
        yield from _given_twice(node, place)
        inner = [(str(key.value), value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
    for name, value in inner:
        yield from _faults(value, (*place, name), [*above, node], seen)


def is_misread(node: yaml.Node) -> bool:
    """Whether this is a number in base 8 or 60 that looks like a decimal number or a time: 010 is 8, 1:30 is 90."""
    return node.tag in NUMBERS and isinstance(node.value, str) and bool(NOT_DECIMAL.fullmatch(node.value))


def _given_twice(node: yaml.Node, place: Place) -> Iterator[str]:
    first: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        same, line = (key.tag, key.value), key.start_mark.line + 1
        if same in first:
            name = "/".join((*place, key.value))
            yield f"{name}: is given in line {first[same]} and again in line {line}; remove one of them"
        first.setdefault(same, line)


def _line(error: yaml.YAMLError, text: str) -> str:
    """Where PyYAML found an error, if it says so."""
    if isinstance(error, yaml.reader.ReaderError):
        return f", line {text.count(chr(10), 0, error.position) + 1}"
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _reason(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return f"the character {chr(error.character)!r} is not allowed in YAML"
    reason = str(getattr(error, "problem", None) or error).strip().splitlines()
    tabs = " (YAML is indented by spaces, never by tabs)" if reason and "'\\t'" in reason[0] else ""
    return f"this is not YAML: {reason[0] if reason else type(error).__name__}{tabs}"


def _kind(content: Any) -> str:
    names = {type(None): "nothing", list: "a list", str: "text"}
    return names.get(type(content), f"a value of type {type(content).__name__}")


def main() -> int:
    """Print the name of the study in the file that is the only argument, for the Makefile."""
    try:
        print(read_study(sys.argv[1])["name"])
    except KeyError:
        print(f"Error: {sys.argv[1]} has no `name`.", file=sys.stderr)
        return 1
    except StudyError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
