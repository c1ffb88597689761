"""What is known of modules on disk is what parsing them says, and no state of the file stops a run."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.lib.jobs import parsed_code
from scripts.lib.jobs.parsed_code import ParsedCode, parse
from scripts.lib.jobs.paths import ROOT

SOURCE = b'''"""Text."""
import a.b as c
def f(x):
    from d import e, g
    from . import h
    from ..i import j
    log.info("%s \\ud800", "\xc3\xa9")  # comment
    return "\\ud800 \xc3\xa9"
'''


def test_imports_and_normal_form() -> None:
    found = parse(SOURCE)
    assert found.imports == ["a.b", "d.e", "d.g", ".h", "..i.j"]
    body = ("from d import e, g", "from . import h", "from ..i import j", "return '\\ud800 é'")
    assert found.form == "import a.b as c\n\ndef f(x):" + "".join(f"\n    {statement}" for statement in body)


def modules() -> list[Path]:
    return sorted((ROOT / "scripts" / "lib" / "jobs").glob("*.py"))


def test_another_process_finds_what_this_one_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd.py").write_bytes(SOURCE)
    paths = [*modules(), tmp_path / "odd.py"]
    first = ParsedCode(tmp_path / "new" / "kept")
    expected = [first.of(path) for path in paths]
    (tmp_path / "new").mkdir()
    first.save()
    assert [path.name for path in (tmp_path / "new" / "kept").iterdir()] == [first.file.name]
    monkeypatch.setattr(parsed_code, "parse", lambda source: pytest.fail("parsed again"))
    second = ParsedCode(tmp_path / "new" / "kept")
    assert [second.of(path) for path in paths] == expected


def test_it_is_written_when_the_process_ends(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from scripts.lib.jobs.parsed_code import ParsedCode; "
        f"ParsedCode(Path({str(tmp_path)!r})).of(Path({__file__!r}))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
    assert len(ParsedCode(tmp_path).known) == 1


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', '{"a": [1]}', "\0"])
def test_a_damaged_file_is_as_none(tmp_path: Path, content: str) -> None:
    ParsedCode(tmp_path).file.write_text(content)
    kept = ParsedCode(tmp_path)
    assert kept.of(Path(__file__)) == parse(Path(__file__).read_bytes())
    kept.save()
    assert len(ParsedCode(tmp_path).known) == 1


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "absent" / "below"):
        kept = ParsedCode(folder)
        assert kept.of(Path(__file__)).imports[0] == "subprocess"
        kept.save()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_old_versions_are_left_out_of_a_file_that_has_become_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsed_code, "MOST_KEPT", 3)
    first = ParsedCode(tmp_path)
    for path in modules()[:3]:
        first.of(path)
    first.save()
    second = ParsedCode(tmp_path)
    second.of(modules()[0])
    second.of(modules()[3])
    second.save()
    assert len(ParsedCode(tmp_path).known) == 2
