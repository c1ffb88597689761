"""A hundred cases of each reader, always the same: a result that was meant, or a StudyError. `make fuzz` tries more."""

from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.cases import ACCEPTED, REFUSED, Case
from tests.fuzz.engine import property_of, replay, settings_of
from tests.fuzz.targets import TARGETS

CASES = 100
KNOWN = Path(__file__).parent / "known"  # what failed once, as `make fuzz` keeps it


@pytest.mark.parametrize("name", TARGETS)
def test_a_result_that_was_meant_or_a_refusal_by_name(name: str, tmp_path: Path) -> None:
    counts: Counter[str] = Counter()

    def seen(_: Case, outcome: str | Exception) -> None:
        if isinstance(outcome, Exception):
            raise outcome
        counts[outcome] += 1

    property_of(TARGETS[name], settings_of(CASES, steady=True), tmp_path / "case", seen)()
    assert counts[ACCEPTED] > 0
    assert counts[REFUSED] > 0
    assert counts.total() == CASES


@pytest.mark.parametrize("name", sorted(folder.name for folder in KNOWN.iterdir()))
def test_what_failed_once_does_not_fail_again(name: str) -> None:
    assert replay(KNOWN / name, TARGETS) in (ACCEPTED, REFUSED)
