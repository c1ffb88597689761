"""Copies of predictions, and validation sets of which most samples have no label."""

from typing import Any

import pytest

from scripts.lib.reading.doubts import copies, samples_and_rows


def record(member: str, checksum: str = "x", samples: int = 2, **more: Any) -> dict[str, Any]:
    return {"member": member, "sample_count": samples, "checksums": {"predictions": checksum}, **more}


def test_members_with_the_same_predictions_are_grouped() -> None:
    records = [record("a", "1"), record("b", "2"), record("c", "1"), record("d", "3"), record("e", "1")]
    assert copies(records) == [["a", "c", "e"]]


@pytest.mark.parametrize(
    ("rows", "found"), [([200, 100], (2, 100)), ([5], (2, 5)), ([4], None), ([200, 2], None), ([], None)]
)
def test_files_of_which_more_than_half_is_left_out(rows: list[int], found: tuple[int, int] | None) -> None:
    records = [record(str(number), rows=count) for number, count in enumerate(rows)]
    assert samples_and_rows([*records, record("without rows")]) == found
