"""Correlation of each measure with the improvement over the mean member, on every dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, first_consensus
from scripts.lib.report.labels import PLAIN_CORRELATIONS, consensus_title, improvement_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], improvement: str, consensus: str) -> Figure:
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.forest import Estimate, draw_forest

    [path] = files["correlations"]
    table = load_table(path).filter(size="all", improvement=improvement, consensus=consensus)
    axis = f"Correlation r with {improvement_title(improvement).lower()}; ensembles by {consensus_title(consensus)}"
    return draw_forest(table, Estimate("pearson", "ci_low", "ci_high", "r", axis), limit=1)


SPEC = FigureSpec(
    name="correlations",
    order=40,
    title="Plain correlation of each diversity with improvement",
    caption=f"Pearson's r with its 95 % interval, for each measure and dataset. {PLAIN_CORRELATIONS}",
    alternative="Dot plot of the correlation of each measure with improvement on each dataset. The numbers are in the "
    "correlation tables.",
    inputs=lambda study: {"correlations": ["correlations.parquet"]},
    shows=lambda study: {"improvement": "over_mean", **first_consensus(study)},
    draw=draw,
)
