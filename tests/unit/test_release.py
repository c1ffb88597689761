"""A version is stated in CITATION.cff and in the changelog, and both agree."""

import re
from typing import Any

import yaml

from scripts.lib.jobs.paths import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
NOT_TAGGED = "not tagged yet"
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]  # of Keep a Changelog, in its order


def sections() -> list[tuple[str, str]]:
    """Heading and text of each version, the newest first."""
    return re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", CHANGELOG, re.DOTALL | re.MULTILINE)


def citation() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_changelog_begins_with_what_is_unreleased_and_then_has_versions() -> None:
    first, *versions = [heading for heading, _ in sections()]
    assert first == "[Unreleased]"
    assert versions
    for heading in versions:
        assert re.fullmatch(rf"\[\d+\.\d+\.\d+\] - (\d{{4}}-\d\d-\d\d|{NOT_TAGGED})", heading), heading
    numbers = [tuple(map(int, re.findall(r"\d+", heading)[:3])) for heading in versions]
    assert numbers == sorted(numbers, reverse=True)
    assert all(NOT_TAGGED not in heading for heading in versions[1:])


def test_its_entries_are_of_known_kinds_in_their_order() -> None:
    for heading, text in sections():
        kinds = re.findall(r"^### (.*)$", text, re.MULTILINE)
        assert kinds == [kind for kind in KINDS if kind in kinds], heading
        before_kinds = text.partition("### ")[0]
        assert heading == "[Unreleased]" or not before_kinds.strip(), heading


def test_the_citation_states_the_newest_version_and_its_date_if_it_is_tagged() -> None:
    newest = sections()[1][0]
    version, date = re.fullmatch(r"\[(.*)\] - (.*)", newest).groups()  # type: ignore[union-attr]
    assert str(citation()["version"]) == version
    assert str(citation().get("date-released", NOT_TAGGED)) == date
