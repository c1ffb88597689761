"""How specs are found: every module of a package, each name once, in a fixed order."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.lib.jobs import registry


@dataclass(frozen=True)
class Colour:
    name: str
    order: int


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty package `colours` in a project of its own."""
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", {k: v for k, v in sys.modules.items() if not k.startswith("colours")})
    (tmp_path / "colours").mkdir()
    (tmp_path / "colours" / "__init__.py").write_text("")
    return tmp_path / "colours"


def write(package: Path, module: str, text: str) -> Path:
    path = package / f"{module}.py"
    path.write_text(f"from tests.unit.jobs.test_registry import Colour\n{text}\n", encoding="utf-8")
    return path


def test_every_module_is_found_and_specs_stand_in_their_order_and_then_by_name(package: Path) -> None:
    red = write(package, "warm", 'RED = Colour("red", 2)\nOTHERS = (Colour("pink", 1), Colour("orange", 2))')
    blue = write(package, "cold", 'SPEC = Colour("blue", 1)\nnot_a_constant = Colour("hidden", 0)')
    found = registry.Registry("colours", Colour)
    assert list(found) == ["blue", "pink", "orange", "red"]
    assert found["red"] == Colour("red", 2)
    assert len(found) == 4
    assert (found.file_of("orange"), found.file_of("blue")) == (red, blue)


def test_a_name_that_two_modules_register_is_refused_with_both_files(package: Path) -> None:
    write(package, "warm", 'SPEC = Colour("red", 1)')
    write(package, "cold", 'SPEC = Colour("red", 1)')
    with pytest.raises(ValueError, match=r"(?s)warm\.py: 'red' is also defined in .*cold\.py"):
        list(registry.Registry("colours", Colour))


def test_modules_load_at_the_first_look(package: Path) -> None:
    write(package, "broken", "raise RuntimeError('loaded')")
    found = registry.Registry("colours", Colour)
    with pytest.raises(RuntimeError, match="loaded"):
        len(found)
