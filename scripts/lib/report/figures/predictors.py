"""To choose by diversity or by accuracy on the clean set: which foretells the gain under shift?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, first_consensus
from scripts.lib.report.labels import GAIN_TITLES, WHAT_PREDICTORS_ARE, consensus_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], consensus: str) -> Figure:
    import polars as pl

    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.forest import Estimate, Series, draw_series
    from scripts.lib.report.drawings.style import BLUE, ORANGE

    [path] = files["predictors"]
    table = load_table(path).filter(consensus=consensus).rename({"predictor": "measure"})
    looks = zip(GAIN_TITLES.items(), ((BLUE, "o"), (ORANGE, "D")), strict=True)
    series = [Series(table.filter(pl.col("gain") == gain), f"gain: {title}", *look) for (gain, title), look in looks]
    axis = (
        "Correlation of what is known on the clean set (title of the panel) with the gain, among ensembles of one "
        f"size;\nensembles by {consensus_title(consensus)}, with 95 % intervals"
    )
    return draw_series(series, Estimate("correlation", "low", "high", "correlation", axis), limit=1)


SPEC = FigureSpec(
    name="predictors",
    order=37,
    title="To choose by diversity or by accuracy on clean images: which foretells the gain under shift?",
    caption=WHAT_PREDICTORS_ARE,
    alternative="Dot plot of the correlation of each diversity and of two accuracies on the clean set with the gain of "
    "ensembles on each shifted set. The numbers are in the tables of correlations of what is known on the clean set.",
    inputs=lambda study: {"predictors": ["predictors.parquet"]},
    shows=first_consensus,
    draw=draw,
    exists=lambda study: study.has_shift,
)
