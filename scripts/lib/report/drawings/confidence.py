"""What averaging and temperatures do to confidence: overconfidence against the number of members."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter

from scripts.lib.report.drawings.scalings import (
    OF_ENSEMBLES,
    STYLES,
    add_legend,
    of_single_members,
    panels_of_scalings,
)
from scripts.lib.report.drawings.style import GREY

# From this size on, sizes have a logarithmic axis: the best ensembles have up to 20 members, and one has all.
MOST_ON_A_LINEAR_AXIS = 40
POINT: dict[str, Any] = {"color": GREY, "linestyle": "", "marker": ".", "markersize": 3, "alpha": 0.7}


def draw_confidence(tables: Mapping[str, pl.DataFrame]) -> Figure:
    """Overconfidence in percentage points against size, from tables `calibration/{dataset}.parquet`."""
    figure, axes = panels_of_scalings(tables, height=1.25)
    largest = max(int(table["size"].to_numpy().max()) for table in tables.values())
    for (dataset, scaling), axis in axes.items():
        axis.axhline(0, color="black", linewidth=0.6, zorder=0)
        axis.yaxis.set_major_locator(MaxNLocator(4))
        axis.grid(axis="y")
        _set_sizes(axis, largest)
        _draw_overconfidence(axis, tables[dataset].drop_nulls("samples"), scaling)
    figure.supxlabel("Members of the ensemble")
    figure.supylabel("Mean confidence minus accuracy (points)")
    names = {"arithmetic": "arithmetic average", "geometric": "geometric average"}
    add_legend(figure, names, Line2D([], [], **POINT, label="single member"))
    return figure


def _set_sizes(axis: Axes, largest: int) -> None:
    if largest <= MOST_ON_A_LINEAR_AXIS:
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        return
    axis.set_xscale("log")
    axis.set_xticks([size for size in (1, 3, 10, 30, 100, 300, 1000, 3000) if size <= largest])
    axis.xaxis.set_major_formatter(ScalarFormatter())
    axis.xaxis.set_minor_formatter(NullFormatter())


def _draw_overconfidence(axis: Axes, table: pl.DataFrame, scaling: str) -> None:
    excess = table.with_columns(excess=100 * pl.col("mean_confidence") - pl.col("accuracy"))
    alone = of_single_members(excess, scaling)
    axis.plot(alone["size"], alone["excess"], **POINT)
    for averaging in ("arithmetic", "geometric"):
        line = excess.filter(scaling=scaling, averaging=averaging).sort("size")
        axis.plot(line["size"], line["excess"], **OF_ENSEMBLES, **STYLES[averaging])
