"""The sub-networks that a search evaluated: accuracy against operations, and the Pareto front."""

import polars as pl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scripts.lib.report.drawings.style import BLUE, GREY, literal, new_figure, panels

COLUMNS = 2


def draw_searches(found: pl.DataFrame) -> Figure:
    """One panel per super-network, one grey point per sub-network; the front is blue."""
    tables = found.partition_by("supernet", maintain_order=True)
    columns = min(COLUMNS, len(tables))
    figure = new_figure(height=2.4 * -(-len(tables) // columns) + 0.3)
    for axis, table in zip(panels(figure, len(tables), columns), tables, strict=True):
        axis.set_title(f"{literal(table['supernet'][0])}: {len(table)} sub-networks")
        others, front = table.filter(~pl.col("pareto")), table.filter(pl.col("pareto")).sort("macs")
        axis.scatter(others["macs"] / 1e6, others["accuracy"], s=9, color=GREY, linewidths=0)
        axis.plot(front["macs"] / 1e6, front["accuracy"], color=BLUE, marker="o", markersize=4, linewidth=1)
        axis.yaxis.set_tick_params(labelleft=True)
        axis.grid()
    figure.supxlabel("Multiply-accumulate operations for one image (millions)")
    figure.supylabel("Top-1 accuracy (%)")
    handles = [
        Line2D([], [], color=BLUE, marker="o", markersize=4, linewidth=1, label="Pareto front"),
        Line2D([], [], color=GREY, marker="o", markersize=3, linestyle="", label="other sub-networks of the search"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure
