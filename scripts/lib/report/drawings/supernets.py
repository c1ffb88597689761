"""How a super-network is trained: accuracy of its smallest and largest sub-network, stage by stage."""

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from scripts.lib.report.drawings.style import BLUE, GREY, LIGHT_GREY, ORANGE, literal, new_figure, panels

COLUMNS = 2
LINES: dict[str, dict[str, Any]] = {
    "largest": {"color": BLUE, "linestyle": "-", "marker": "o", "markersize": 3, "linewidth": 1},
    "smallest": {"color": ORANGE, "linestyle": "--", "marker": "s", "markersize": 3, "linewidth": 1},
}


def draw_supernets(stages: pl.DataFrame) -> Figure:
    """One panel per super-network: accuracy after each epoch, with the stages separated."""
    tables = stages.partition_by("supernet", maintain_order=True)
    columns = min(COLUMNS, len(tables))
    figure = new_figure(height=2.2 * -(-len(tables) // columns) + 0.3)
    for axis, table in zip(panels(figure, len(tables), columns), tables, strict=True):
        axis.set_title(literal(table["supernet"][0]))
        _draw(axis, table)
    figure.supxlabel("Epoch")
    figure.supylabel("Top-1 accuracy (%)")
    handles = [Line2D([], [], label=f"{name} sub-network", **style) for name, style in LINES.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure


def _draw(axis: Axes, table: pl.DataFrame) -> None:
    for name, style in LINES.items():
        points = table.filter(subnet=name).sort("epoch")
        axis.plot(points["epoch"], points["accuracy"], **style)
    spans = table.group_by("stage", "dimensions").agg(first=pl.col("epoch").min(), last=pl.col("epoch").max())
    for stage, dimensions, first, last in spans.sort("stage").iter_rows():
        if stage > 1:
            axis.axvline(first - 0.5, color=LIGHT_GREY, linewidth=0.8)
        text = f"stage {stage}\n{literal(dimensions.replace('+', ', '))}"
        axis.text((first + last) / 2, 0.03, text, transform=axis.get_xaxis_transform(), ha="center", color=GREY)
    epochs = table["epoch"].to_list()
    axis.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    axis.set_ylim(0, 100)
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axis.grid(axis="y")
