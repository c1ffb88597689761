"""The order of the tests, for the two processes of `make test` (pytest-xdist, `--dist loadfile`).

Tests of one file stay together, because fixtures belong to it (`--dist loadgroup` of pytest-xdist 3.8 does nothing
with pytest 9.2: it changes an attribute that is gone). Tests of the workflow come first and the long ones before the
short ones, so that no process is left with a long test while the other has none. Whoever needs the finished test study
comes after it has been made, so that nobody waits for it.
"""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
FIRST = (
    "workflow/test_study.py",  # makes the finished study
    "workflow/test_new_files.py",
    "workflow/test_subnets.py",
    "workflow/test_groups.py",
    "workflow/test_miniature_imagenet.py",
    "workflow/test_zoo.py",
    "workflow/test_interruptions.py",
    "workflow/test_own_images.py",
    "workflow/test_shards.py",
    "workflow",
    "unit/report/drawings",
    "unit/training",
    "unit/supernets",
    "unit/kernels",
    "unit/report",
)


def place(file: str) -> int:
    """The place of a file or of the first of its folders in FIRST; after all of them if it is not there."""
    return next((number for number, first in enumerate(FIRST) if f"{file}/".startswith(f"{first}/")), len(FIRST))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place(item.path.relative_to(HERE).as_posix()))
