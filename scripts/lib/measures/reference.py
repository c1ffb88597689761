"""The pairwise measures in docs/measures.md, from their specs: `python -m scripts.lib.measures.reference [--check]`."""

import re
import sys
from collections.abc import Iterator

from scripts.lib.jobs.paths import ROOT
from scripts.lib.measures.spec import MEASURES, Measure

PAGE = ROOT / "docs" / "measures.md"
BEGIN, END = "## Pairwise measures\n", "## How an ensemble decides\n"
NOTE = "<!-- Up to the next heading of this level, generated from scripts/lib/measures/kinds by `make docs`. -->"


def reference() -> str:
    """The part of the page between its two headings: a table of all measures, and a section for each."""
    measures = _by_family()
    lines = ["", NOTE, "", "| measure | compares | range | direction |", "|---|---|---|---|"]
    lines += [_row(measure) for measure in measures]
    for measure in measures:
        lines += ["", f"### `{measure.name}`", "", *_section(measure)]
    return "\n".join([*lines, "", ""])


def _by_family() -> list[Measure]:
    """Measures of one file together; families and the measures in each in the order of the registry."""
    files = [MEASURES.file_of(name) for name in MEASURES]
    return sorted(MEASURES.values(), key=lambda measure: files.index(MEASURES.file_of(measure.name)))


def _row(measure: Measure) -> str:
    said, direction = measure.documentation, "similarity" if measure.similarity else "diversity"
    bounds = re.split("[,:;]", said.range)[0].removesuffix(".")
    return f"| [`{measure.name}`](#{measure.name}) | {said.compares} | {bounds} | {direction} |"


def _section(measure: Measure) -> Iterator[str]:
    said = measure.documentation
    yield f"- **Definition:** {said.definition}"
    yield f"- **Range:** {said.range}"
    turned = f"similarity; correlated as `{measure.diversity}`"
    yield f"- **Direction:** {turned if measure.similarity else 'diversity'}."
    yield f"- **Undefined:** {said.undefined}"
    if said.remarks:
        yield f"- **Remarks:** {said.remarks}"
    yield f"- **Source:** {said.source}"


def main(check: bool) -> int:
    """Write this part of the page, or with `check` say by the exit status whether it is up to date."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    current = before + BEGIN + reference() + END + rest.split(END)[1]
    if not check:
        PAGE.write_text(current, encoding="utf-8")
    elif page != current:
        print(f"docs/{PAGE.name} differs from the specs of the measures: run `make docs`.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
