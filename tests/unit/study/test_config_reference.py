"""docs/config.md says what the schema says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.lib.study import config_reference
from scripts.lib.study.schema import schema


def described(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of the schema, with what it says about it."""
    if isinstance(node, dict):
        for key, child in node.get("properties", {}).items():
            if isinstance(child, dict):
                yield key, child
        for child in node.values():
            yield from described(child)
    elif isinstance(node, list):
        for child in node:
            yield from described(child)


SCHEMA = schema()


def test_the_page_is_up_to_date() -> None:
    assert config_reference.main(check=True) == 0


def test_every_key_of_the_schema_is_on_the_page_with_a_meaning() -> None:
    page = config_reference.reference()
    for key, node in described(SCHEMA):
        rows = [line for line in page.splitlines() if line.startswith(f"| `{key}` |")]
        assert rows or key == "name", key
        assert all(len(row.rsplit("|", 2)[1].strip()) > 5 for row in rows), rows
        if "description" in node:
            assert any(" ".join(node["description"].split()) in row for row in rows), key


def test_defaults_bounds_and_choices_are_on_the_page() -> None:
    page = config_reference.reference()
    for part in ("`[0.08, 1.0]`", "integer, ≥ 1", "number, > 0", "`auto`, `cpu`, `cuda`", "**required**", "`0.0003`"):
        assert part in page


@pytest.mark.parametrize("architecture", ["resnext", "mnasnet", "squeezenet", "deit", "timm"])
def test_every_architecture_has_its_own_table(architecture: str) -> None:
    assert f"## `members[].architecture` with `name: {architecture}`" in config_reference.reference()


def test_no_row_has_more_or_fewer_cells_than_the_table() -> None:
    rows = [line for line in config_reference.reference().splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {5}


def test_an_outdated_page_is_found_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "config.md"
    page.write_text("outdated")
    monkeypatch.setattr(config_reference, "PAGE", page)
    assert config_reference.main(check=True) == 1
    assert "make docs" in capsys.readouterr().out
    assert page.read_text() == "outdated"
    assert config_reference.main(check=False) == 0
    assert config_reference.main(check=True) == 0
