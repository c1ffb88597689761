"""Correlation of each measure with the improvement over the mean member, on every dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, Picture, StudyOutline
from scripts.lib.report.labels import BEYOND_ACCURACY, WHAT_P_TESTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], improvement: str, consensus: str) -> Figure:
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.correlations import draw_correlations

    [path] = files["correlations"]
    table = load_table(path).filter(size="all", improvement=improvement, consensus=consensus)
    return draw_correlations(table, improvement, consensus)


def pictures(study: StudyOutline) -> Sequence[Picture]:
    """One picture, of the first consensus."""
    shows = {"improvement": "over_mean", "consensus": study.consensus[0]}
    return [Picture(SPEC.name, SPEC.title, SPEC.alternative, shows)]


SPEC = FigureSpec(
    name="correlations",
    order=40,
    title="Which diversity correlates with improvement",
    caption="Pearson's r with its 95 % interval, for each measure and dataset. Diamonds: partial r, the same "
    "correlation with the mean member accuracy held fixed, because a measure that only follows accuracy explains "
    f"nothing. p and q are in the correlation tables. {WHAT_P_TESTS} {BEYOND_ACCURACY}",
    alternative="Dot plot of the correlation of each measure with improvement on each dataset. The numbers are in the "
    "correlation tables.",
    inputs=lambda study: {"correlations": ["correlations.parquet"]},
    several=pictures,
    draw=draw,
)
