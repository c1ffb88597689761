"""Reading study files: errors that a lenient reader silently accepts, and content that no reader can interpret."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.paths import ROOT
from scripts.lib.study import check_data, estimate
from scripts.lib.study.file import read_study
from scripts.lib.study.resolve import resolve
from tests.unit.conftest import small_study

STUDY_FILES = [ROOT / "config.yaml", *ROOT.glob("config/*.yaml"), *ROOT.glob("examples/*/study.yaml")]


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "study.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(folder: Path, content: str | bytes) -> str:
    path = written(folder, content)
    with pytest.raises(StudyError) as caught:
        read_study(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("path", STUDY_FILES, ids=lambda path: path.name)
def test_a_study_file_is_read_as_pyyaml_reads_it(path: Path) -> None:
    assert read_study(path) == yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_is_read_as_json(tmp_path: Path, indent: Any) -> None:
    study = small_study(note='tab\tquote" slash/ \u00e9 \U0001f600')
    assert read_study(written(tmp_path, json.dumps(study, indent=indent))) == study


def test_a_byte_order_mark_and_aliases_are_read(tmp_path: Path) -> None:
    text = "\ufeffa: &x {b: 1}\nc: *x\nd: {<<: *x, b: 2}\ne: {<<: *x, f: 3}\n"
    assert read_study(written(tmp_path, text)) == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 2}, "e": {"b": 1, "f": 3}}


def test_a_key_that_is_given_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    message = refusal(tmp_path, "name: x\nseed: 1\n\n'seed': 2\n")
    assert "seed: is given in line 2 and again in line 4" in message


def test_all_keys_that_are_given_twice_are_listed_with_their_sections(tmp_path: Path) -> None:
    message = refusal(tmp_path, "name: x\nmembers:\n  - {id: a, seed: 1, seed: 2}\n  - id: b\n    id: c\n    id: d\n")
    assert "members/0/seed: is given in line 3 and again in line 3" in message
    assert "members/1/id: is given in line 4 and again in line 5" in message
    assert "members/1/id: is given in line 4 and again in line 6" in message


@pytest.mark.parametrize("indent", [1, "\t"])
def test_a_key_that_json_gives_twice_is_refused_too(tmp_path: Path, indent: Any) -> None:
    text = json.dumps({"name": "x", "seed": 1, "dees": 2}, indent=indent).replace("dees", "seed")
    assert "seed: is given in line 3 and again in line 4" in refusal(tmp_path, text)


RECURSIVE = ["members: &a\n  - id: x\n  - *a\n", "overrides: &a\n  x: *a\n", "&a\nx: [*a]\n"]


@pytest.mark.parametrize("text", RECURSIVE)
def test_an_alias_of_a_section_around_it_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    message = refusal(tmp_path, "name: x\n" + text if text.startswith(("members", "overrides")) else text)
    assert "contains itself" in message
    assert "line " in message


def test_many_aliases_of_aliases_are_looked_at_once(tmp_path: Path) -> None:
    """Written out, these would be 10^30 values."""
    lines = ["a0: &a0 [1]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert len(read_study(written(tmp_path, "\n".join(lines)))) == 30


NO_TEXT = {
    "utf-16": ("name: x\n".encode("utf-16"), "UTF-16"),
    "utf-16 without mark": ("name: x\n".encode("utf-16-le"), "UTF-16"),
    "utf-32": ("name: x\n".encode("utf-32"), "UTF-32"),
    "latin-1": ("name: x\n# Größe\n".encode("latin-1"), "line 2: the byte 0xf6 is not UTF-8"),
    "binary": (bytes(range(256)) * 3, "not a text file"),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a text file"),
    "control": (b"name: x\nseed: \x07\n", "line 2: the character '\\x07'"),
}


@pytest.mark.parametrize("case", NO_TEXT)
def test_what_is_no_text_in_utf_8_is_refused_with_what_to_do(tmp_path: Path, case: str) -> None:
    content, said = NO_TEXT[case]
    message = refusal(tmp_path, content)
    assert said in message
    assert "save it as UTF-8" in message or case in ("binary", "png", "control")


NO_YAML = {
    "grammar": ("name: x\nmembers: [\n", "line 3"),
    "tabs": ("name: x\ndatasets:\n\tkind: digits\n", "line 3, column 1"),
    "two documents": ("name: x\n---\nname: y\n", "line 2"),
    "python object": ("name: !!python/object/apply:os.getcwd []\n", "line 1"),
    "date": ("name: 2020-13-45\n", "line 1"),
    "long number": (f"seed: {'1' * 5000}\n", "line 1"),
    "unhashable": ("? [a]\n: b\n", "line 1"),
    "unknown alias": ("name: *x\n", "line 1"),
    "odd tags": ("name: !!timestamp x\n", "line 1"),
    "deep": ("x: " + "[" * 5000, "nested too deeply"),
    "deep json": ('{"x": ' + "[" * 50000 + "]" * 50000 + "}", "nested too deeply"),
}


@pytest.mark.parametrize("case", NO_YAML)
def test_what_is_no_yaml_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    text, said = NO_YAML[case]
    assert said in refusal(tmp_path, text)


@pytest.mark.parametrize("number", ["010", "-010", "0_7", "1:30", "190:20:30.15"])
def test_a_number_that_yaml_reads_as_another_is_refused_with_its_line(tmp_path: Path, number: str) -> None:
    """YAML 1.1 reads 010 as 8 and 1:30 as 90, which the author hardly meant."""
    message = refusal(tmp_path, f"name: x\nmembers:\n  - epochs: {number}\n")
    assert f"members/0/epochs: {number} in line 3 is read as {yaml.safe_load(number)}" in message
    assert read_study(written(tmp_path, f"name: '{number}'\n")) == {"name": number}


@pytest.mark.parametrize("number", ["0", "10", "0.5", "-1", "1_000", "0x10", "0b11", "1.5e+3", "08", "00.5"])
def test_other_numbers_are_read_as_yaml_reads_them(tmp_path: Path, number: str) -> None:
    assert read_study(written(tmp_path, f"seed: {number}\n")) == {"seed": yaml.safe_load(number)}


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "3\n", "null\n", "[1]"])
def test_a_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    assert "keys" in refusal(tmp_path, text)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.yaml", tmp_path / "a\0b"):
        with pytest.raises(StudyError, match="cannot be read"):
            read_study(path)


@pytest.mark.parametrize("module", [check_data, estimate])
@pytest.mark.parametrize("content", [*RECURSIVE, *(content for content, _ in NO_TEXT.values()), "", "a: 1\na: 2\n"])
def test_the_programs_that_read_a_study_say_it_in_one_line(
    module: Any, content: str | bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    path = written(tmp_path, content)
    monkeypatch.setattr(sys, "argv", ["program", str(path)])
    assert module.main() == 1
    assert capsys.readouterr().out.startswith(f"Error: {path}")


def test_a_json_study_resolves_to_the_same_text_as_yaml(tmp_path: Path) -> None:
    study = small_study()
    texts = [json.dumps(study), yaml.safe_dump(study)]
    assert len({repr(resolve(read_study(written(tmp_path, text)))) for text in texts}) == 1
