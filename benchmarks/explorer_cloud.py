"""How long the report's cloud takes to follow its reader: `python -m benchmarks.explorer_cloud`.

All ensembles of made-up members are in a page that a headless Chromium opens. Each action is timed in the page, from
the event until the canvas has its pixels and the words and the list below it are written; the table has medians.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from tests.unit.report.browser import Page, running_browser
from tests.unit.report.page.explorer import READY
from tests.unit.report.page.studies import made_up_block, written_page

ANCHOR = "#members=m0,m1&x=mean_member&y=accuracy"
CHANGE = "(id, value) => { const e = $(id); e.value = value; e.dispatchEvent(new Event('change')); }"
POINT = "(share) => {{ const b = $('cloud').getBoundingClientRect(); const at = {{ clientX: b.left + share * b.width, "
POINT += "clientY: b.top + b.height / 2 }}; $('cloud').dispatchEvent(new PointerEvent('pointermove', at)); }}"
# Each is done in turns with what takes it back, which is not timed.
ACTIONS = {
    "draw all again": (f"({CHANGE})('cloud-colour', 'member:0')", f"({CHANGE})('cloud-colour', 'size')"),
    "zoom in": ("$('cloud-in').click()", "$('cloud-all').click()"),
    "zoom out to all": ("$('cloud-all').click()", "$('cloud-in').click()"),
    "another axis, known before": (f"({CHANGE})('cloud-x', 'disagreement')", f"({CHANGE})('cloud-x', 'mean_member')"),
    "point at a place": (f"({POINT.format()})(0.5)", f"({POINT.format()})(0.45)"),
}
TIMED = """(() => {{
    const $ = (id) => document.getElementById(id);
    const start = performance.now();
    {action};
    $('cloud').getContext('2d').getImageData(0, 0, 1, 1);
    return performance.now() - start;
}})()"""


def measure(page: Page, repeats: int) -> dict[str, float]:
    """Milliseconds of each action."""
    found = {"another axis, the first time": page.value(TIMED.format(action=ACTIONS["another axis, known before"][0]))}
    page.value(TIMED.format(action=ACTIONS["another axis, known before"][1]))
    for name, (action, back) in ACTIONS.items():
        page.value(TIMED.format(action=back))
        times = []
        for _ in range(repeats):
            times.append(page.value(TIMED.format(action=action)))
            page.value(TIMED.format(action=back))
        found[name] = statistics.median(times)
        page.value(TIMED.format(action="$('cloud-all').click()"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[15, 20])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--screenshots", type=Path, help="a folder for pictures of the pages")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_browser(Path(folder) / "profile") as browser:
        for members in options.members:
            path = written_page(Path(folder), made_up_block(members)[0])
            page = browser.new_page()
            page.open(path, anchor=ANCHOR, wait=READY)
            opened = page.value("performance.now()")
            shown = page.value("document.getElementById('cloud-count').textContent").split(" of ")[0]
            print(f"{shown} ensembles, file of {path.stat().st_size / 1e6:.2f} MB, opened within {opened:.0f} ms")
            if options.screenshots:
                page.value("document.getElementById('cloud-title').scrollIntoView()")
                page.screenshot(options.screenshots / f"cloud_{members}.png")
            for name, milliseconds in measure(page, options.repeats).items():
                print(f"  {name}: {milliseconds:.0f} ms")


if __name__ == "__main__":
    main()
