"""Figure B: improvement against diversity. Columns are datasets, rows are measures, each point is an ensemble."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scripts.lib.jobs.storage import load_table
from scripts.lib.report.drawings.clouds import Cloud, Points, Scale, add_colours_of_sizes, different_sizes, raster
from scripts.lib.report.drawings.style import GREY, POINTS_PER_INCH, WIDTH, literal, new_figure
from scripts.lib.report.labels import (
    MOST_POINTS,
    column_of,
    consensus_title,
    improvement_column,
    improvement_title,
    in_words,
    missing,
    oriented,
    plain,
    quantity,
    signed,
)

PANEL_HEIGHT = 0.9  # inches
MOST_COLUMNS = 5  # so many have room for numbers beside and above their cells

Panels = dict[tuple[str, str], Cloud]  # of one picture, by dataset and measure


@dataclass(frozen=True)
class Shown:
    """What the pictures show: columns of `correlations.parquet`."""

    measures: Sequence[str]
    improvements: Sequence[str]
    consensus: Sequence[str]

    @classmethod
    def of(cls, correlations: pl.DataFrame) -> "Shown":
        names = ("measure", "improvement", "consensus")
        return cls(*(correlations[name].unique(maintain_order=True).to_list() for name in names))

    @property
    def columns(self) -> list[str]:
        """The columns of a table of ensembles that are drawn."""
        return ["size", "consensus", *map(column_of, self.measures), *map(improvement_column, self.improvements)]


def read_clouds(paths: Sequence[str], shown: Shown) -> dict[tuple[str, str], Panels]:
    """The panels of the pictures of each improvement and consensus, from tables of ensembles `…/{dataset}.parquet`.

    One table is in memory at a time, because it may have millions of rows; of so many, only rasters are kept.
    """
    keys = [(improvement, consensus) for improvement in shown.improvements for consensus in shown.consensus]
    pictures: dict[tuple[str, str], Panels] = {key: {} for key in keys}
    for path in paths:
        table = load_table(path, shown.columns)
        for consensus in shown.consensus:
            clouds = clouds_of(_of_several(table, consensus), shown.measures, shown.improvements, _columns(len(paths)))
            for (improvement, measure), cloud in clouds.items():
                pictures[improvement, consensus][Path(path).stem, measure] = cloud
    return pictures


def _of_several(table: pl.DataFrame, consensus: str) -> pl.DataFrame:
    return table.filter(pl.col("size") > 1, consensus=consensus)


def _columns(datasets: int) -> int:
    """Cells of a raster, side by side, in one column of a picture of so many datasets."""
    return round(POINTS_PER_INCH * WIDTH / len(_blocks(range(datasets))[0]))


def _blocks(datasets: Sequence[Any]) -> list[Sequence[Any]]:
    """At most `MOST_COLUMNS` datasets side by side, and below them the next ones."""
    blocks = -(-len(datasets) // MOST_COLUMNS)
    columns = -(-len(datasets) // blocks)
    return [datasets[start : start + columns] for start in range(0, len(datasets), columns)]


def clouds_of(
    table: pl.DataFrame, measures: Sequence[str], improvements: Sequence[str], columns: int
) -> dict[tuple[str, str], Cloud]:
    """The ensembles of one dataset and consensus by improvement and measure: points or, if they are too many, rasters.

    `columns` is the number of cells of a raster side by side.
    """
    size = table["size"].to_numpy()
    sizes = different_sizes(size)
    x = {measure: oriented(table, measure).to_numpy() * quantity(measure).factor for measure in measures}
    y = {name: table[improvement_column(name)].cast(pl.Float64).to_numpy() for name in improvements}
    if len(table) <= MOST_POINTS:
        return {(one, other): Points(x[other], y[one], size, sizes) for one in y for other in x}
    across = {measure: Scale.of(values, columns).place(values) for measure, values in x.items()}
    rows = round(POINTS_PER_INCH * PANEL_HEIGHT)
    upwards = {improvement: Scale.of(values, rows).place(values) for improvement, values in y.items()}
    weights = size.astype(np.float64)
    return {(one, other): raster(across[other], upwards[one], weights, sizes) for one in y for other in x}


def draw_improvement(panels: Panels, correlations: pl.DataFrame, improvement: str, consensus: str) -> Figure:
    """The grid for one improvement and one consensus; `correlations` has one row per dataset and measure."""
    measures = correlations["measure"].unique(maintain_order=True).to_list()
    datasets = list(dict.fromkeys(dataset for dataset, _ in panels))
    blocks = _blocks(datasets)
    figure = new_figure(height=len(blocks) * (1.46 * len(measures) + 0.25) + 0.5)
    grid = figure.subplots(len(blocks) * len(measures), len(blocks[0]), squeeze=False)
    sizes = sorted({size for cloud in panels.values() for size in cloud.sizes})
    for number, block in enumerate(blocks):
        rows = grid[number * len(measures) : (number + 1) * len(measures)]
        for column, dataset in enumerate(block):
            for axis, measure in zip(rows[:, column], measures, strict=True):
                # Shared by all columns, the axis would make a line of the sets on which ensembles differ little.
                if axis is not rows[0, column]:
                    axis.sharey(rows[0, column])
                _draw_cell(axis, panels[dataset, measure], sizes)
                _write_coefficients(axis, correlations.filter(dataset=dataset, measure=measure))
            _write_above(rows[0, column], literal(in_words(dataset)), points=15, size=8.5)
        for axis in rows[:, len(block) :].flat:
            axis.set_axis_off()
        for axes, measure in zip(rows[:, : len(block)], measures, strict=True):
            _label_row(axes, quantity(measure).label)
    figure.supylabel(f"{improvement_title(improvement)} (points)", fontsize=8)
    figure.suptitle(f"Ensembles by {consensus_title(consensus)}")
    add_colours_of_sizes(figure, grid, sizes, height=0.4 / len(blocks))
    return figure


def _draw_cell(axis: Axes, cloud: Cloud, sizes: Sequence[int]) -> None:
    axis.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    cloud.draw(axis, sizes)
    axis.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
    axis.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))


def _write_coefficients(axis: Axes, found: pl.DataFrame) -> None:
    """Write r with its interval above the cell."""
    row = found.row(0, named=True) if len(found) else {"pearson": None}
    text = "no correlation"
    if not missing(row["pearson"]):
        text = f"r {signed(row['pearson'])} [{plain(row['ci_low'])}, {plain(row['ci_high'])}]"
    axis.set_title(text, fontsize=7, pad=3)


def _write_above(axis: Axes, text: str, points: float, size: float) -> None:
    anchor: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "center"}
    axis.annotate(text, (0.5, 1), (0, points), fontsize=size, **anchor)


def _label_row(axes: Sequence[Axes], label: str) -> None:
    """One label below the whole row: below the middle cell, or between the two middle cells."""
    middle = 0.5 if len(axes) % 2 else -0.04
    axes[len(axes) // 2].set_xlabel(label, fontsize=8, labelpad=2, x=middle)
