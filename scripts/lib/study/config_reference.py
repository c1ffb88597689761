"""docs/config.md from the schema: `python -m scripts.lib.study.config_reference [--check]`."""

import sys
from collections.abc import Iterator
from typing import Any

import yaml

from scripts.lib.jobs.paths import ROOT
from scripts.lib.study.schema import schema as whole_schema

PAGE = ROOT / "docs" / "config.md"
HEADER = """# The study file

Generated from `schemas/study.schema.yaml` by `make docs`; do not edit by hand.

A study is one YAML file: `snakemake --cores all` runs `config.yaml`, `snakemake --cores all --configfile my.yaml`
runs another. An unknown or wrong key, a key that is given twice, and a file that the study names and that is not there
stop Snakemake before any job. The order of keys has no meaning; the order of lists has.

A file that is not YAML, or not text in UTF-8, is refused by Snakemake itself, which does not name the line:
`make check-data CONFIG=my.yaml` does.

The keys of a member come from its `recipe`, then from the study's `overrides`, then from its own entry; later ones win.
"""


def reference() -> str:
    """The whole page."""
    schema = whole_schema()
    lines = [HEADER, " ".join(schema["description"].split()), "", *_table(schema, schema)]
    for title, node in _sections(schema, schema, ""):
        lines += ["", f"## {title}", "", " ".join(node.get("description", "").split()), "", *_table(node, schema)]
    return "\n".join(lines) + "\n"


def _resolved(node: Any, schema: dict[str, Any]) -> dict[str, Any]:
    if node is True:
        return {}
    if "$ref" not in node:
        return node
    return schema["$defs"][node["$ref"].rsplit("/", 1)[1]] | {key: node[key] for key in node if key != "$ref"}


def _sections(node: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object below `node` that has keys of its own, with its path in the study."""
    for key, child in node.get("properties", {}).items():
        below = _resolved(child, schema)
        where = f"{path}{key}"
        items = _resolved(below.get("items", {}), schema)
        if below.get("type") == "array" and (items.get("type") == "object" or "properties" in items):
            below, where = _resolved(below.get("items", {}), schema), f"{where}[]"
        if "properties" in below:
            yield f"`{where}`", below
            yield from _variants(below, schema, where)
            yield from _sections(below, schema, f"{where}.")


def _variants(node: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The keys that depend on another one, such as `name` or `kind`, and the sections below them."""
    for branch in node.get("allOf", []):
        [(selector, value)] = branch["if"]["properties"].items()
        then = _resolved(branch["then"], schema)
        keys = {key: child for key, child in then["properties"].items() if child is not True}
        yield f"`{where}` with `{selector}: {value['const']}`", then | {"properties": keys}
        yield from _sections(then, schema, f"{where}.")


def _table(node: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    required = node.get("required", [])
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, child in node["properties"].items():
        below = _resolved(child, schema)
        default = "**required**" if key in required else _default(below)
        meaning = " ".join(below.get("description", "").split())
        rows.append(f"| `{key}` | {_allowed(below)} | {default} | {meaning} |")
    return rows


def _default(node: dict[str, Any]) -> str:
    if "default" not in node or node["default"] == {}:
        return ""
    return f"`{yaml.safe_dump(node['default'], default_flow_style=True, width=1000).split(chr(10))[0]}`"


def _allowed(node: dict[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(f"`{'null' if value is None else value}`" for value in node["enum"])
    if "oneOf" in node:
        return " or ".join(_allowed(option) for option in node["oneOf"])
    if "const" in node:
        return f"`{node['const']}`"
    kinds = node.get("type", "")
    text = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if kinds == "array" and "enum" in node.get("items", {}):
        return f"list of {_allowed(node['items'])}"
    return text + "".join(f", {symbol} {node[key]}" for key, symbol in _BOUNDS.items() if key in node)


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def main(check: bool) -> int:
    """Write the page, or with `check` tell by the exit status whether it is up to date."""
    if not check:
        PAGE.write_text(reference(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != reference():
        print("docs/config.md is not what the schema says: run `make docs`.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
