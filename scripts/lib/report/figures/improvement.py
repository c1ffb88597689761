"""Improvement of every ensemble against each measure, one picture per improvement and consensus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, Picture, StudyOutline, tables_by_dataset
from scripts.lib.report.labels import BEYOND_ACCURACY, WHAT_P_TESTS, consensus_title, improvement_title

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure


Tables = tuple[Mapping[str, "pl.DataFrame"], "pl.DataFrame"]  # ensembles of each dataset, correlations


def read(files: Mapping[str, Sequence[str]]) -> Tables:
    """The tables that all pictures show."""
    from scripts.lib.jobs.storage import load_table

    [correlations] = files["correlations"]
    return tables_by_dataset(files["ensembles"]), load_table(correlations).filter(size="all")


def draw(tables: Tables, improvement: str, consensus: str) -> Figure:
    import polars as pl

    from scripts.lib.report.drawings.improvement import draw_improvement

    ensembles = {dataset: table.filter(pl.col("size") > 1, consensus=consensus) for dataset, table in tables[0].items()}
    coefficients = tables[1].filter(improvement=improvement, consensus=consensus)
    return draw_improvement(ensembles, coefficients, improvement, consensus)


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
    caption="Each point is an ensemble; its colour shows the number of members. Columns are datasets. Rows are "
    "quantities that may explain the improvement: the mean pairwise diversities of the members, and their mean "
    "accuracy. Above each cell: Pearson's r and its 95 % interval over all ensembles. Below each cell: partial r and "
    f"p. {WHAT_P_TESTS} {BEYOND_ACCURACY}",
    inputs=lambda study: {"ensembles": study.tables("ensembles"), "correlations": ["correlations.parquet"]},
    several=pictures,
    read=read,
    draw=draw,
)
