"""How good the best ensemble of each size is, on every dataset."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from scripts.lib.report.drawings.style import (
    GREY,
    line_style,
    new_figure,
    panel_title,
    panels,
)
from scripts.lib.report.labels import consensus_title

COLUMNS = 5
# How the ensemble was found, by the value of the column `found`.
MARKERS = {"all": ("o", "full"), "sampled": ("s", "none"), "greedy": ("^", "full")}
FOUND = {"all": "best of all ensembles", "sampled": "best of those drawn", "greedy": "greedy selection"}
# The columns of a table of ensembles that `summary` needs.
SUMMARISED = ["size", "consensus", "accuracy", "best_member_accuracy"]


def summary(ensembles: pl.DataFrame) -> pl.DataFrame:
    """Of all ensembles of each consensus and size: their mean accuracy, and that of the best of their members."""
    return ensembles.group_by("consensus", "size").agg(pl.col("accuracy").mean(), pl.col("best_member_accuracy").max())


def draw_best_ensembles(tables: Mapping[str, tuple[pl.DataFrame, pl.DataFrame]]) -> Figure:
    """One panel per dataset: accuracy against the number of members, one line per consensus.

    For each dataset, the table of the best ensembles and the `summary` of all that were evaluated.
    """
    columns = min(COLUMNS, len(tables))
    rows = -(-len(tables) // columns)
    figure = new_figure(height=1.75 * rows + 0.55)
    axes = panels(figure, len(tables), columns)
    for axis, (dataset, (best, evaluated)) in zip(axes, tables.items(), strict=True):
        axis.set_title(panel_title(dataset, columns))
        axis.grid(axis="y")
        axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axis.yaxis.set_tick_params(labelleft=True)
        _draw_dataset(axis, best, evaluated)
    figure.supxlabel("Members of the ensemble")
    figure.supylabel("Top-1 accuracy (%)")
    together = pl.concat([best for best, _ in tables.values()])
    handles = _legend(together["consensus"].unique(maintain_order=True), together["found"].unique(maintain_order=True))
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    return figure


def _draw_dataset(axis: Axes, best: pl.DataFrame, evaluated: pl.DataFrame) -> None:
    for number, consensus in enumerate(sorted(best["consensus"].unique())):
        colour, dashes, _ = line_style(number)
        line = best.filter(consensus=consensus).sort("size")
        axis.plot(line["size"], line["accuracy"], color=colour, linestyle=dashes, linewidth=1)
        for (found,), points in line.group_by("found"):
            axis.plot(points["size"], points["accuracy"], color=colour, **_marker(str(found)))
        mean = evaluated.filter(consensus=consensus).sort("size")
        axis.plot(mean["size"], mean["accuracy"], color=GREY, linestyle=dashes, linewidth=0.8)
    axis.axhline(evaluated["best_member_accuracy"].to_numpy().max(), color=GREY, linewidth=0.5)


def _marker(found: str) -> dict[str, Any]:
    marker, fill = MARKERS[found]
    return {"marker": marker, "fillstyle": fill, "linestyle": "", "markersize": 3}


def _legend(consensus: pl.Series, found: pl.Series) -> list[Line2D]:
    styles = [line_style(number) for number in range(len(consensus))]
    ways = [
        Line2D([], [], color=colour, linestyle=dashes, linewidth=1, label=consensus_title(name))
        for (colour, dashes, _), name in zip(styles, sorted(consensus), strict=True)
    ]
    marks = [
        Line2D([], [], color="black", label=label, **_marker(name)) for name, label in FOUND.items() if name in found
    ]
    mean = Line2D([], [], color=GREY, linewidth=0.8, label="mean of the ensembles")
    member = Line2D([], [], color=GREY, linewidth=0.5, label="best member")
    return [*ways, *marks, mean, member]
