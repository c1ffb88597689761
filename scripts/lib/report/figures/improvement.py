"""Improvement of every ensemble against each measure, one picture per improvement and consensus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scripts.lib.report.figure import FigureSpec, Picture, StudyOutline
from scripts.lib.report.labels import MOST_POINTS, PLAIN_CORRELATIONS, consensus_title, counted, improvement_title

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure


def read(files: Mapping[str, Sequence[str]]) -> tuple[Any, pl.DataFrame]:
    """The panels of all pictures, and the correlations over all sizes."""
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.improvement import Shown, read_clouds

    [path] = files["correlations"]
    correlations = load_table(path).filter(size="all")
    return read_clouds(files["ensembles"], Shown.of(correlations)), correlations


def draw(content: tuple[Any, pl.DataFrame], improvement: str, consensus: str) -> Figure:
    from scripts.lib.report.drawings.improvement import draw_improvement

    pictures, correlations = content
    coefficients = correlations.filter(improvement=improvement, consensus=consensus)
    return draw_improvement(pictures[improvement, consensus], coefficients, improvement, consensus)


def pictures(study: StudyOutline) -> Sequence[Picture]:
    """One picture per improvement and consensus."""
    return [_picture(improvement, consensus) for improvement in study.improvements for consensus in study.consensus]


def _picture(improvement: str, consensus: str) -> Picture:
    title = improvement_title(improvement)
    return Picture(
        f"improvement_{improvement}_{consensus}",
        f"{title}, {consensus_title(consensus)}",
        f"Grid of scatter plots: {title.lower()} of every ensemble against each measure on each dataset. "
        "The coefficients are in the correlation tables.",
        {"improvement": improvement, "consensus": consensus},
    )


SPEC = FigureSpec(
    name="improvement",
    order=50,
    title="Improvement against every measure",
    caption="Each point is an ensemble; its colour shows the number of members. If a dataset has more than "
    f"{counted(MOST_POINTS, 'ensemble')}, those that lie next to each other share a dot: its colour shows their mean "
    "number of members, and it is more opaque the more there are (on a logarithmic scale; a single ensemble is visible "
    "too). Columns are datasets, each with a vertical axis of its own; more than five are in blocks below each other. "
    "Rows are quantities that may explain the improvement: the mean pairwise diversities of the members, and their "
    "mean accuracy. Above each cell: Pearson's r and its 95 % interval over all ensembles. "
    f"{PLAIN_CORRELATIONS}",
    inputs=lambda study: {"ensembles": study.tables("ensembles"), "correlations": ["correlations.parquet"]},
    several=pictures,
    read=read,
    draw=draw,
)
