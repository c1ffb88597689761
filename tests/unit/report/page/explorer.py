"""What tests of the explorer share: where things are in the page, and how they are read and set."""

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from scripts.lib.jobs.storage import load_json
from tests.unit.report.browser import Page

READY = "document.documentElement?.dataset.explorer === 'ready'"
CONTROL = """(id, value) => {
    const control = document.getElementById(id);
    control.value = value;
    control.dispatchEvent(new Event('EVENT'));
}"""
CELLS = "[...ROWS].map(row => [...row.cells].map(cell => cell.textContent))"
ANSWERS = """[...document.querySelectorAll('#explorer-answers tbody tr')].map(
    row => [...row.cells].map(cell => cell.textContent))"""


def text_of(page: Page, selector: str) -> str:
    return str(page.value(f"document.querySelector({json.dumps(selector)}).textContent"))


def names_of(study: Path, members: Sequence[int]) -> list[str]:
    every = [member["id"] for member in load_json(study / "study.json")["members"]]
    return [every[member] for member in members]


def shown_for(page: Page, study: Path, ensembles: Sequence[Sequence[int]]) -> list[list[list[str]]]:
    """The rows of all tables of numbers for each ensemble, asked for by the address."""
    anchors = [f"#members={','.join(map(quote, names_of(study, members)))}" for members in ensembles]
    script = f"""(async () => {{
      const found = [];
      for (const anchor of {json.dumps(anchors)}) {{
        const followed = new Promise((done) => addEventListener('hashchange', done, {{ once: true }}));
        location.hash = anchor;
        await followed;
        found.push({ANSWERS});
      }}
      return found;
    }})()"""
    return page.value(script)


def box_of(page: Page, identifier: str) -> list[float]:
    """Left, top, width and height of an element that is moved into view."""
    found = f"document.getElementById({json.dumps(identifier)})"
    page.value(f"{found}.scrollIntoView()")
    return list(page.value(f"(r => [r.left, r.top, r.width, r.height])({found}.getBoundingClientRect())"))


def counted(page: Page) -> int:
    """How many ensembles the cloud shows."""
    return int(text_of(page, "#cloud-count").split(" of ")[0].replace("\u202f", ""))
