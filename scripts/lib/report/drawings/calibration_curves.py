"""Calibration curves of members and of two ensembles, before and after temperature scaling."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scripts.lib.report.drawings.scalings import (
    OF_ENSEMBLES,
    STYLES,
    add_legend,
    of_single_members,
    panels_of_scalings,
)
from scripts.lib.report.drawings.style import GREY

# With fewer samples, the accuracy of a bin is mostly chance.
LEAST_SAMPLES = 10
OF_MEMBERS: dict[str, Any] = {"color": GREY, "linewidth": 0.5, "alpha": 0.5, "marker": ".", "markersize": 1}


def draw_calibration_curves(curves: Mapping[str, pl.DataFrame]) -> Figure:
    """Accuracy against mean confidence in bins of confidence, from tables `calibration_curves/{dataset}.parquet`."""
    figure, axes = panels_of_scalings(curves, height=1.3)
    for (dataset, scaling), axis in axes.items():
        axis.plot([0, 100], [0, 100], color="black", linewidth=0.6, zorder=0)
        axis.set(xlim=(0, 102), ylim=(0, 102), xticks=(0, 50, 100), yticks=(0, 50, 100))
        _draw_curves(axis, curves[dataset].filter(pl.col("samples") >= LEAST_SAMPLES), scaling)
    figure.supxlabel("Mean confidence of the samples in a bin (%)")
    figure.supylabel("Accuracy of the samples in the bin (%)")
    names = {
        "arithmetic": "all members, arithmetic average",
        "geometric": "all members, geometric average",
        "recommended": "recommended ensemble, arithmetic average",
    }
    shown = {name: label for name, label in names.items() if any(len(_of(table, name)) for table in curves.values())}
    add_legend(figure, shown, Line2D([], [], **OF_MEMBERS, label="single member"))
    return figure


def _draw_curves(axis: Axes, table: pl.DataFrame, scaling: str) -> None:
    x, y = [], []
    for _, curve in of_single_members(table, scaling).group_by("members", maintain_order=True):
        x += [*curve["mean_confidence"], np.nan]  # one line with gaps is drawn much faster than a thousand lines
        y += [*curve["accuracy"], np.nan]
    axis.plot(100 * np.array(x), y, **OF_MEMBERS)
    for name, style in STYLES.items():
        curve = _of(table, name).filter(scaling=scaling)
        axis.plot(100 * curve["mean_confidence"], curve["accuracy"], **OF_ENSEMBLES, **style)


def _of(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows of the ensemble of all members, or of the recommended one if it is another ensemble."""
    if name == "recommended":
        return table.filter(pl.col("recommended"), role="best_of_size", averaging="arithmetic")
    return table.filter(role="all_members", averaging=name)
