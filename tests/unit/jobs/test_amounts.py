"""Durations and sizes as they are said."""

import pytest

from scripts.lib.jobs.amounts import disk, duration, roughly


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.31, "0.3 s"),
        (59.9, "59.9 s"),
        (59.97, "1 min 00 s"),
        (90, "1 min 30 s"),
        (3599.7, "1 h 00 min"),
        (5400, "1 h 30 min"),
    ],
)
def test_durations_have_a_unit_that_fits(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.3, "1 minute"), (61, "2 minutes"), (7100, "119 minutes"), (9000, "2.5 hours")]
)
def test_rough_durations_claim_no_precision(seconds: float, said: str) -> None:
    assert roughly(seconds) == said


@pytest.mark.parametrize(("megabytes", "said"), [(2.5, "2.5 MB"), (99.9, "99.9 MB"), (1234, "1.23 GB")])
def test_sizes_have_a_unit_that_fits(megabytes: float, said: str) -> None:
    assert disk(megabytes) == said
