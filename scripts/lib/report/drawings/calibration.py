"""How confidence and accuracy agree: calibration curves, and overconfidence against the number of members."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from scripts.lib.report.drawings.style import BLUE, GREEN, GREY, ORANGE, literal, new_figure
from scripts.lib.report.labels import SCALINGS, in_words

COLUMNS = 5
# With fewer samples, the accuracy of a bin is mostly chance.
LEAST_SAMPLES = 10
STYLES: dict[str, dict[str, Any]] = {
    "arithmetic": {"color": BLUE, "linestyle": "-", "marker": "o"},
    "geometric": {"color": ORANGE, "linestyle": "--", "marker": "s"},
    "recommended": {"color": GREEN, "linestyle": ":", "marker": "^"},
}
OF_MEMBERS = {"color": GREY, "linewidth": 0.5, "alpha": 0.5}
OF_ENSEMBLES = {"linewidth": 1, "markersize": 2.5}


@dataclass(frozen=True)
class Grid:
    """A row of panels for each scaling, one panel for each dataset; datasets beyond COLUMNS get rows of their own."""

    figure: Figure
    axes: dict[tuple[str, str], Axes]  # by dataset and scaling


def grid(datasets: list[str], scalings: list[str], height: float, share: bool) -> Grid:
    """Panels of this `height` in inches; with `share`, those of one scaling have the same y axis."""
    columns = min(COLUMNS, len(datasets))
    parts = [datasets[first : first + columns] for first in range(0, len(datasets), columns)]
    rows = len(parts) * len(scalings)
    figure = new_figure(height=height * rows + 0.7)
    cells = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey="row" if share else False)
    axes = {}
    for number, part in enumerate(parts):
        for place, scaling in enumerate(scalings):
            line = cells[number * len(scalings) + place]
            line[0].set_ylabel(SCALINGS[scaling])
            for axis, dataset in zip(line, part, strict=False):
                axes[dataset, scaling] = axis
                if place == 0:
                    axis.set_title(literal(in_words(dataset)))
                if place == len(scalings) - 1:
                    axis.tick_params(labelbottom=True)
            for empty in line[len(part) :]:
                empty.set_axis_off()
    return Grid(figure, axes)


def draw_calibration_curves(curves: Mapping[str, pl.DataFrame]) -> Figure:
    """Accuracy against mean confidence in bins of confidence, from tables `calibration_curves/{dataset}.parquet`."""
    panels = grid(list(curves), scalings_of(curves), height=1.3, share=True)
    for (dataset, scaling), axis in panels.axes.items():
        axis.plot([0, 100], [0, 100], color="black", linewidth=0.6, zorder=0)
        axis.set(xlim=(0, 102), ylim=(0, 102), xticks=(0, 50, 100), yticks=(0, 50, 100))
        _draw_curves(axis, curves[dataset], scaling)
    panels.figure.supxlabel("Mean confidence of the samples in a bin (%)")
    panels.figure.supylabel("Accuracy of the samples in the bin (%)")
    names = {"arithmetic": "all members, arithmetic average", "geometric": "all members, geometric average"}
    names["recommended"] = "recommended ensemble, arithmetic average"
    shown = [name for name in names if any(len(_of_ensemble(table, name)) for table in curves.values())]
    _add_legend(panels.figure, {name: names[name] for name in shown}, Line2D([], [], **OF_MEMBERS, label="member"))
    return panels.figure


def scalings_of(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """The scalings of which at least one dataset has scores or curves, in their order."""
    present = {name for table in tables.values() for name in table.drop_nulls("samples")["scaling"]}
    return [scaling for scaling in SCALINGS if scaling in present]


def _draw_curves(axis: Axes, table: pl.DataFrame, scaling: str) -> None:
    full = table.filter(pl.col("samples") >= LEAST_SAMPLES)
    # One temperature of the average is no scaling of members: they stay as in the row of their own temperatures.
    of_members = full.filter(role="member", scaling="members" if scaling == "average" else scaling)
    for _, curve in of_members.group_by("members", maintain_order=True):
        axis.plot(100 * curve["mean_confidence"], curve["accuracy"], **OF_MEMBERS)
    for name, style in STYLES.items():
        curve = _of_ensemble(full.filter(scaling=scaling), name)
        axis.plot(100 * curve["mean_confidence"], curve["accuracy"], **OF_ENSEMBLES, **style)


def _of_ensemble(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows of the ensemble of all members, or of the recommended one if it is another ensemble."""
    if name == "recommended":
        return table.filter(pl.col("recommended"), role="best_of_size", averaging="arithmetic")
    return table.filter(role="all_members", averaging=name)


def draw_confidence(tables: Mapping[str, pl.DataFrame]) -> Figure:
    """Overconfidence in percentage points against size, from tables `calibration/{dataset}.parquet`."""
    panels = grid(list(tables), scalings_of(tables), height=1.25, share=True)
    for (dataset, scaling), axis in panels.axes.items():
        axis.axhline(0, color="black", linewidth=0.6, zorder=0)
        axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axis.yaxis.set_major_locator(MaxNLocator(4))
        axis.grid(axis="y")
        _draw_overconfidence(axis, tables[dataset].drop_nulls("samples"), scaling)
    panels.figure.supxlabel("Members of the ensemble")
    panels.figure.supylabel("Mean confidence minus accuracy (points)")
    names = {"arithmetic": "arithmetic average", "geometric": "geometric average"}
    member = Line2D([], [], color=GREY, marker=".", linestyle="", markersize=3, label="member")
    ensembles = any(table["averaging"].drop_nulls().len() for table in tables.values())
    _add_legend(panels.figure, names if ensembles else {}, member)
    return panels.figure


def _draw_overconfidence(axis: Axes, table: pl.DataFrame, scaling: str) -> None:
    excess = table.with_columns(excess=100 * pl.col("mean_confidence") - pl.col("accuracy"))
    alone = excess.filter(role="member", scaling="members" if scaling == "average" else scaling)
    axis.plot(alone["size"], alone["excess"], ".", color=GREY, markersize=3, alpha=0.7)
    for averaging in ("arithmetic", "geometric"):
        line = excess.filter(scaling=scaling, averaging=averaging).sort("size")
        axis.plot(line["size"], line["excess"], **OF_ENSEMBLES, **STYLES[averaging])


def _add_legend(figure: Figure, names: Mapping[str, str], member: Line2D) -> None:
    lines = [Line2D([], [], **OF_ENSEMBLES, **STYLES[name], label=label) for name, label in names.items()]
    figure.legend(handles=[*lines, member], loc="outside upper center", ncols=4)
