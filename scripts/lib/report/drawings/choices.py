"""Ways to choose what to deploy: one row each, one panel per validation set, with paired intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from scripts.lib.report.drawings.style import BLUE, GREY, ORANGE, new_figure, panel_title, panels, shortened
from scripts.lib.report.labels import missing

ROW = 0.2  # inches for one choice
COLUMNS = 5
OFFSET = 0.18  # of the two differences, around the row of a choice
DIFFERENCES = (
    ("over_single", "accuracy − that of the best single member of the same cost", BLUE, "o", -OFFSET),
    ("regret", "regret: what the same way, used on this set, would be better by", ORANGE, "D", OFFSET),
)


def draw_choices(table: pl.DataFrame, names: Sequence[str], keys: Sequence[str]) -> Figure:
    """`table` is `choices_held_out.parquet` with those choices that are shown, in the order of their `names`.

    `keys` are the columns that say which choice a row is.
    """
    choices = table.select(keys).unique(maintain_order=True)
    numbered = table.join(choices.with_row_index("row"), on=keys, how="left", nulls_equal=True)
    datasets = table["dataset"].unique(maintain_order=True).to_list()
    columns = min(COLUMNS, len(datasets))
    lines = -(-len(datasets) // columns)
    figure = new_figure(height=lines * (max(ROW * len(names), 0.6) + 0.35) + 0.8)
    for axis, dataset in zip(panels(figure, len(datasets), columns), datasets, strict=True):
        axis.set_title(panel_title(dataset, columns), fontsize=7.5)
        axis.axvline(0, color=GREY, linewidth=0.7, zorder=0)
        axis.grid(axis="x")
        axis.tick_params(axis="y", length=0)
        for row in numbered.filter(dataset=dataset).iter_rows(named=True):
            _draw_row(axis, row)
        axis.xaxis.set_major_locator(MaxNLocator(4, prune="both"))
        axis.set_yticks(range(len(names)), [shortened(name, 52) for name in names])
        axis.set_ylim(len(names) - 0.4, -0.6)
    figure.supxlabel("Difference of accuracies on the evaluation split (percentage points), with 95 % intervals")
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=3.5, linewidth=1.2, label=label)
        for name, label, colour, marker, _ in DIFFERENCES
        if table[name].null_count() < len(table)
    ]
    figure.legend(handles=handles, loc="outside upper center")
    return figure


def _draw_row(axis: Axes, row: Mapping[str, Any]) -> None:
    for name, _, colour, marker, offset in DIFFERENCES:
        if not missing(row[name]):
            line = row["row"] + offset
            axis.plot([row[f"{name}_low"], row[f"{name}_high"]], [line, line], color=colour, linewidth=1.2)
            axis.plot(row[name], line, marker, markersize=3.5, color=colour)
