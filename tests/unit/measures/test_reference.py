"""docs/measures.md says what the specs of the measures say."""

from itertools import pairwise
from pathlib import Path

import pytest

from scripts.lib.measures import reference
from scripts.lib.measures.spec import MEASURES


def test_the_page_is_up_to_date() -> None:
    assert reference.main(check=True) == 0


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_has_a_row_and_a_section_with_what_its_spec_says(name: str) -> None:
    text, said = reference.reference(), MEASURES[name].documentation
    [row] = [line for line in text.splitlines() if line.startswith(f"| [`{name}`](#{name}) | {said.compares} |")]
    assert row.count("|") == 5
    section = text.split(f"### `{name}`\n")[1].split("### ")[0]
    for part in (said.definition, said.range, said.undefined, said.remarks, said.source):
        assert part in section
    assert ("Remarks" in section) == bool(said.remarks)


@pytest.mark.parametrize("name", MEASURES)
def test_what_the_page_says_are_sentences(name: str) -> None:
    said = MEASURES[name].documentation
    assert all(text.endswith(".") for text in (said.definition, said.range, said.undefined, said.source))


def test_measures_of_one_family_stand_together() -> None:
    rows = [line for line in reference.reference().splitlines() if line.startswith("| [`")]
    files = [MEASURES.file_of(row.split("`")[1]) for row in rows]
    changes = sum(first != second for first, second in pairwise(files))
    assert changes == len(set(files)) - 1


def test_an_outdated_page_is_found_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "measures.md"
    page.write_text(f"# Before\n\n{reference.BEGIN}\noutdated\n\n{reference.END}\nafter\n")
    monkeypatch.setattr(reference, "PAGE", page)
    assert reference.main(check=True) == 1
    assert "make docs" in capsys.readouterr().out
    assert reference.main(check=False) == 0
    assert reference.main(check=True) == 0
    written = page.read_text()
    assert written.startswith("# Before\n")
    assert written.endswith(f"{reference.END}\nafter\n")
    assert "outdated" not in written
