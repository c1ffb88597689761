"""A finished study, made up, that tests of the report read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.lib.jobs.storage import load_json
from scripts.lib.report.build import read_tables
from scripts.lib.report.findings import Tables
from tests.unit.report.browser import Browser, running_browser
from tests.unit.synthetic_study import make_study


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("study"), members=5, samples=80, baseline=True)


@pytest.fixture(scope="session")
def tables(study: Path) -> Tables:
    return read_tables(study, load_json(study / "study.json"))


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One headless Chromium for all tests that open pages; each of them opens its own page."""
    with running_browser(tmp_path_factory.mktemp("profile")) as running:
        yield running
