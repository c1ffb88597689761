"""Figure B: improvement against diversity. Columns are datasets, rows are measures, each point is an ensemble."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scripts.lib.report.drawings.style import GREY, literal, new_figure, size_colours
from scripts.lib.report.labels import (
    consensus_title,
    improvement_title,
    in_words,
    missing,
    oriented,
    plain,
    probability,
    quantity,
    signed,
)


def draw_improvement(
    ensembles: Mapping[str, pl.DataFrame], correlations: pl.DataFrame, improvement: str, consensus: str
) -> Figure:
    """The grid for one improvement and one consensus; `correlations` has one row per dataset and measure."""
    measures = correlations["measure"].unique(maintain_order=True).to_list()
    figure = new_figure(height=1.46 * len(measures) + 0.75)
    grid = figure.subplots(len(measures), len(ensembles), squeeze=False, sharey=True)
    sizes = sorted({size for table in ensembles.values() for size in table["size"].unique()})
    for column, (dataset, table) in enumerate(ensembles.items()):
        for row, measure in enumerate(measures):
            found = correlations.filter(dataset=dataset, measure=measure)
            _draw_cell(grid[row, column], table, measure, improvement, sizes)
            _write_coefficients(grid[row, column], found, heading=literal(in_words(dataset)) if row == 0 else "")
    for row, measure in enumerate(measures):
        _label_row(grid[row], quantity(measure).label)
    figure.supylabel(f"{improvement_title(improvement)} (points)", fontsize=8)
    figure.suptitle(f"Ensembles by {consensus_title(consensus)}")
    _add_sizes(figure, grid, sizes)
    return figure


def _draw_cell(axis: Axes, table: pl.DataFrame, measure: str, improvement: str, sizes: Sequence[int]) -> None:
    colours, norm = size_colours(sizes)
    order = np.random.default_rng(0).permutation(len(table))  # so that no size hides another
    axis.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axis.scatter(
        oriented(table, measure).to_numpy()[order] * quantity(measure).factor,
        table[f"improvement_{improvement}"].cast(pl.Float64).to_numpy()[order],
        c=table["size"].to_numpy()[order],
        cmap=colours,
        norm=norm,
        s=float(np.clip(1500 / max(len(table), 1), 1.0, 10.0)),
        linewidths=0,
        alpha=0.8 if len(table) < 1000 else 0.5,
        rasterized=True,  # 32 767 ensembles as vector shapes would make the PDF unusable
    )
    axis.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
    axis.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))


def _write_coefficients(axis: Axes, found: pl.DataFrame, heading: str) -> None:
    """Write r with its interval above the cell, and partial r and p below it."""
    row = found.row(0, named=True) if len(found) else {"pearson": None}
    first, second = "no correlation", ""
    if not missing(row["pearson"]):
        first = f"r {signed(row['pearson'])} [{plain(row['ci_low'])}, {plain(row['ci_high'])}]"
        second = ", ".join(_beside(row))
    axis.set_title(second, fontsize=7, pad=3)
    _write_above(axis, first, points=13 if second else 3, size=7)
    _write_above(axis, heading, points=25, size=8.5)


def _beside(row: Mapping[str, Any]) -> Iterator[str]:
    if not missing(row["partial_pearson"]):
        yield f"partial {signed(row['partial_pearson'])}"
    if not missing(row["p_value"]):
        yield probability("p", row["p_value"], equals=" ")


def _write_above(axis: Axes, text: str, points: float, size: float) -> None:
    anchor: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "center"}
    if text:
        axis.annotate(text, (0.5, 1), (0, points), fontsize=size, **anchor)


def _label_row(axes: Sequence[Axes], label: str) -> None:
    """One label below the whole row: below the middle cell, or between the two middle cells."""
    middle = 0.5 if len(axes) % 2 else -0.04
    axes[len(axes) // 2].set_xlabel(label, fontsize=8, labelpad=2, x=middle)


def _add_sizes(figure: Figure, grid: np.ndarray, sizes: Sequence[int]) -> None:
    if not sizes:
        return
    colours, norm = size_colours(sizes)
    bar = figure.colorbar(
        ScalarMappable(norm, colours), ax=grid, shrink=0.4, aspect=25, pad=0.01, label="Members in the ensemble"
    )
    bar.set_ticks(range(min(sizes), max(sizes) + 1, max(1, len(sizes) // 8)))
    bar.ax.tick_params(length=0)
    bar.outline.set_visible(False)
