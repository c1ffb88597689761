"""One report with an explorer, which tests only look at."""

from pathlib import Path

import pytest

from scripts.lib.report.build import build_report
from tests.unit.report.browser import Browser, Page
from tests.unit.report.page.explorer import READY
from tests.unit.synthetic_study import make_study


@pytest.fixture(scope="session")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_study(tmp_path_factory.mktemp("explorer"), members=8, datasets=["clean", "fog"], baseline=True)
    build_report(folder, {}, folder / "report.html")
    return folder


@pytest.fixture
def page(explored: Path, browser: Browser) -> Page:
    opened = browser.new_page()
    opened.open(explored / "report.html", wait=READY)
    return opened
