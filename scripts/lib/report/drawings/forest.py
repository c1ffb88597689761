"""Estimates with their intervals: one panel per measure, one line per dataset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from scripts.lib.report.drawings.style import BLUE, GREY, literal, new_figure, panels
from scripts.lib.report.labels import in_words, missing, quantity, signed

COLUMNS = 5
BETWEEN_SERIES = 0.22  # inches
THICK = 3.2
NEAR_THE_EDGE = 0.8


@dataclass(frozen=True)
class Estimate:
    """Columns of a table that hold an estimate and the limits of its 95 % interval, and how the figure calls it.

    `inner` are the limits of a second interval, which is drawn as a thick line.
    """

    value: str
    low: str
    high: str
    name: str
    axis: str
    digits: int = 2
    inner: tuple[str, str] | None = None

    @property
    def columns(self) -> list[str]:
        """All of these columns."""
        return [self.value, self.low, self.high, *(self.inner or ())]


@dataclass(frozen=True)
class Series:
    """A table with one row per measure and dataset, and how its estimates are called and drawn."""

    table: pl.DataFrame
    name: str
    colour: str = BLUE
    marker: str = "o"


def draw_forest(table: pl.DataFrame, estimate: Estimate, limit: float | None = None) -> Figure:
    """`table` has one row per measure and dataset. The axis goes from -limit to limit, or as far as it has values."""
    intervals = "with its 95 % interval"
    if estimate.inner is not None:
        intervals = "with 95 % intervals over members (thin) and over images (thick)"
    return draw_series([Series(table, f"{estimate.name} {intervals}")], estimate, limit)


def draw_series(series: Sequence[Series], estimate: Estimate, limit: float | None = None) -> Figure:
    """As `draw_forest`, with the estimates of several tables below each other on each dataset."""
    table = pl.concat([each.table.select("measure", "dataset", *estimate.columns) for each in series])
    measures = table["measure"].unique(maintain_order=True).to_list()
    datasets = table["dataset"].unique(maintain_order=True).to_list()
    columns = min(COLUMNS, max(len(measures), 1))
    rows = -(-len(measures) // columns)
    per_dataset = 0.27 if len(series) == 1 else BETWEEN_SERIES * len(series) + 0.08
    figure = new_figure(height=rows * (per_dataset * len(datasets) + 0.55) + 0.6)
    axes = panels(figure, len(measures), columns)
    limit = _limit(table, estimate) if limit is None else limit
    for axis, measure in zip(axes, measures, strict=True):
        axis.set_title("\n".join(_two_lines(quantity(measure).title)), fontsize=7.5)
        axis.axvline(0, color=GREY, linewidth=0.7, zorder=0)
        axis.grid(axis="x")
        axis.tick_params(axis="y", length=0)
        for number, each in enumerate(series):
            offset = (number - (len(series) - 1) / 2) * BETWEEN_SERIES / per_dataset
            for row in each.table.filter(measure=measure).iter_rows(named=True):
                _draw_row(axis, datasets.index(row["dataset"]) + offset, row, estimate, each)
                _write_value(axis, datasets.index(row["dataset"]) + offset, row[estimate.value], estimate, limit)
    if axes:
        _scale(axes[0], datasets, limit)
    else:
        figure.text(0.5, 0.5, "no measure has values", ha="center", va="center", color=GREY)
    figure.supxlabel(estimate.axis)
    handles = [
        Line2D([], [], color=each.colour, marker=each.marker, markersize=4.5, label=each.name) for each in series
    ]
    figure.legend(handles=handles, loc="outside upper center")
    return figure


def _scale(axis: Axes, datasets: Sequence[str], limit: float) -> None:
    """Ticks and limits, which all panels share."""
    axis.set_yticks(range(len(datasets)), [literal(in_words(dataset)) for dataset in datasets])
    axis.set_ylim(len(datasets) - 0.4, -0.7)
    axis.set_xlim(-1.08 * limit, 1.08 * limit)
    axis.xaxis.set_major_locator(MaxNLocator(4, prune="both"))  # those of two panels would touch
    if limit == 1:
        axis.set_xticks([-1, -0.5, 0, 0.5, 1], ["−1", "−.5", "0", ".5", "1"])


def _limit(table: pl.DataFrame, estimate: Estimate) -> float:
    """The largest distance from 0 of an estimate or of a limit of an interval."""
    values = table.select(pl.col(estimate.columns).abs().max()).row(0)
    return max((value for value in values if not missing(value)), default=0) or 1.0


def _two_lines(title: str) -> list[str]:
    words = title.split()
    return [" ".join(words[:-1]), words[-1]] if len(words) > 1 else [title, ""]


def _draw_row(axis: Axes, line: float, row: dict[str, Any], estimate: Estimate, series: Series) -> None:
    value, *limits = (row[name] for name in estimate.columns)
    if missing(value):
        axis.text(0, line, "no value", ha="center", va="center", color=GREY)
        return
    for low, high, width in zip(limits[::2], limits[1::2], (1.2, THICK), strict=False):
        if not (missing(low) or missing(high)):
            axis.plot([low, high], [line, line], color=series.colour, linewidth=width, solid_capstyle="butt")
    axis.plot(value, line, series.marker, markersize=4.5, color=series.colour)


def _write_value(axis: Axes, line: float, value: float | None, estimate: Estimate, limit: float) -> None:
    """Above the mark; beside the edge of a panel, within it, because numbers of two panels would touch."""
    if value is None or missing(value):
        return
    side = 0 if abs(value) < NEAR_THE_EDGE * limit else 1 if value > 0 else -1
    place: dict[str, Any] = {"textcoords": "offset points", "ha": ("center", "right", "left")[side]}
    axis.annotate(signed(value, estimate.digits), (value, line), (5 * side, 4), **place)
