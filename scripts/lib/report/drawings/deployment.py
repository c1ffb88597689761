"""Held-out accuracy against cost of ensembles that were chosen on the selection split."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter

from scripts.lib.members.costs import COSTS
from scripts.lib.report.drawings.style import (
    GREY,
    LIGHT_GREY,
    line_style,
    new_figure,
    panel_title,
    panels,
)
from scripts.lib.report.labels import consensus_title

COLUMNS = 5
WIDE = 20  # a ratio of costs that a linear axis does not show
# The unit in which a cost is shown, and the title of the axis.
AXES: dict[str, tuple[float, str]] = {
    "macs": (1e6, "Operations of all members for one image (million multiply-accumulates)"),
    "latency_ms": (1, "Latency of all members for one image, one after the other (ms)"),
    "parameters": (1e6, "Parameters of all members (million)"),
}


def draw_deployment(tables: Mapping[str, pl.DataFrame]) -> Figure:
    """One panel per dataset: held-out accuracy against cost, or against the number of members if costs are unknown."""
    together = pl.concat(tables.values())
    cost = next((known for known in COSTS if not together[known].null_count()), None)
    column, (unit, title) = (cost, AXES[cost]) if cost else ("size", (1, "Members of the ensemble"))
    costs = together[column].to_numpy()
    columns = min(COLUMNS, len(tables))
    rows = -(-len(tables) // columns)
    figure = new_figure(height=1.9 * rows + 0.6)
    for axis, (dataset, table) in zip(panels(figure, len(tables), columns), tables.items(), strict=True):
        axis.set_title(panel_title(dataset, columns))
        axis.grid(axis="y")
        axis.yaxis.set_tick_params(labelleft=True)
        if costs.max() > WIDE * costs.min():
            axis.set_xscale("log")
            axis.xaxis.set_minor_formatter(NullFormatter())
        else:
            axis.xaxis.set_major_locator(MaxNLocator(4, integer=cost is None))
        _draw_dataset(axis, table, column, unit, "cost" if cost else "size")
    figure.supxlabel(title)
    figure.supylabel("Held-out accuracy (%)")
    figure.legend(handles=_legend(sorted(together["consensus"].unique())), loc="outside upper center", ncols=3)
    return figure


def _draw_dataset(axis: Axes, table: pl.DataFrame, column: str, unit: float, purpose: str) -> None:
    chosen = table.filter(chosen_for=purpose).sort(column)
    [alone] = table.filter(chosen_for="size", size=1)["accuracy"].unique().to_list()[:1]
    axis.axhline(alone, color=GREY, linewidth=0.5)
    for number, consensus in enumerate(sorted(table["consensus"].unique())):
        colour, dashes, marker = line_style(number)
        line = chosen.filter(consensus=consensus)
        x = line[column] / unit
        axis.vlines(x, line["low"], line["high"], color=LIGHT_GREY, linewidth=1)
        axis.plot(x, line["accuracy"], color=colour, linestyle=dashes, marker=marker, markersize=3, linewidth=1)


def _legend(ways: Sequence[Any]) -> list[Line2D]:
    styles = [line_style(number) for number in range(len(ways))]
    lines = [
        Line2D([], [], color=colour, linestyle=dashes, marker=marker, markersize=3, label=consensus_title(way))
        for (colour, dashes, marker), way in zip(styles, ways, strict=True)
    ]
    alone = Line2D([], [], color=GREY, linewidth=0.5, label="best single member (chosen on the selection split)")
    return [*lines, alone]
