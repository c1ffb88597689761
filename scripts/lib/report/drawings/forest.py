"""Estimates with their intervals: one panel per measure, one line per dataset."""

from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scripts.lib.report.drawings.style import BLUE, GREY, literal, new_figure, panels
from scripts.lib.report.labels import in_words, missing, quantity, signed

COLUMNS = 5


@dataclass(frozen=True)
class Estimate:
    """Columns of a table that hold an estimate and the limits of its 95 % interval, and how the figure calls it."""

    value: str
    low: str
    high: str
    name: str
    axis: str


def draw_forest(table: pl.DataFrame, estimate: Estimate, limit: float | None = None) -> Figure:
    """`table` has one row per measure and dataset. The axis goes from -limit to limit, or as far as it has values."""
    measures = table["measure"].unique(maintain_order=True).to_list()
    datasets = table["dataset"].unique(maintain_order=True).to_list()
    columns = min(COLUMNS, max(len(measures), 1))
    rows = -(-len(measures) // columns)
    figure = new_figure(height=rows * (0.27 * len(datasets) + 0.55) + 0.6)
    axes = panels(figure, len(measures), columns)
    for axis, measure in zip(axes, measures, strict=True):
        axis.set_title("\n".join(_two_lines(quantity(measure).title)), fontsize=7.5)
        axis.axvline(0, color=GREY, linewidth=0.7, zorder=0)
        axis.grid(axis="x")
        axis.tick_params(axis="y", length=0)
        for row in table.filter(measure=measure).iter_rows(named=True):
            _draw_row(axis, datasets.index(row["dataset"]), row, estimate)
    axes[0].set_yticks(range(len(datasets)), [literal(in_words(dataset)) for dataset in datasets])
    axes[0].set_ylim(len(datasets) - 0.4, -0.7)
    limit = _limit(table, estimate) if limit is None else limit
    axes[0].set_xlim(-1.08 * limit, 1.08 * limit)
    if limit == 1:
        axes[0].set_xticks([-1, -0.5, 0, 0.5, 1], ["−1", "−.5", "0", ".5", "1"])
    figure.supxlabel(estimate.axis)
    label = f"{estimate.name} with its 95 % interval"
    figure.legend(
        handles=[Line2D([], [], color=BLUE, marker="o", markersize=4.5, label=label)], loc="outside upper center"
    )
    return figure


def _limit(table: pl.DataFrame, estimate: Estimate) -> float:
    """The largest distance from 0 of an estimate or of a limit of an interval."""
    values = table.select(pl.col(estimate.value, estimate.low, estimate.high).abs().max()).row(0)
    return max((value for value in values if not missing(value)), default=0) or 1.0


def _two_lines(title: str) -> list[str]:
    words = title.split()
    return [" ".join(words[:-1]), words[-1]] if len(words) > 1 else [title, ""]


def _draw_row(axis: Axes, line: int, row: dict[str, Any], estimate: Estimate) -> None:
    value, low, high = (row[name] for name in (estimate.value, estimate.low, estimate.high))
    if missing(value):
        axis.text(0, line, "no value", ha="center", va="center", color=GREY)
        return
    if not (missing(low) or missing(high)):
        axis.plot([low, high], [line, line], color=BLUE, linewidth=1.4, solid_capstyle="butt")
    axis.plot(value, line, "o", markersize=4.5, color=BLUE)
    axis.annotate(signed(value), (value, line), (0, 4), textcoords="offset points", ha="center")
