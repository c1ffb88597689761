"""Summary: how strongly each measure correlates with improvement, on every dataset."""

from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scripts.lib.report.drawings.style import BLUE, GREY, ORANGE, literal, new_figure, panels
from scripts.lib.report.labels import consensus_title, improvement_title, in_words, missing, quantity, signed

COLUMNS = 5
# The black edge keeps the diamonds visible in a print without colours.
PARTIAL: dict[str, Any] = {"marker": "D", "markersize": 3.4, "color": ORANGE, "linewidth": 0}
PARTIAL |= {"markeredgecolor": "black", "markeredgewidth": 0.5}


def draw_correlations(table: pl.DataFrame, improvement: str, consensus: str) -> Figure:
    """One panel per measure, one line per dataset: r, its interval, and r with mean member accuracy held fixed."""
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
            _draw_row(axis, datasets.index(row["dataset"]), row)
    axes[0].set_yticks(range(len(datasets)), [literal(in_words(dataset)) for dataset in datasets])
    axes[0].set_ylim(len(datasets) - 0.4, -0.7)
    axes[0].set_xlim(-1.08, 1.08)
    axes[0].set_xticks([-1, -0.5, 0, 0.5, 1], ["−1", "−.5", "0", ".5", "1"])
    figure.supxlabel(
        f"Correlation r with {improvement_title(improvement).lower()}; ensembles by {consensus_title(consensus)}"
    )
    figure.legend(handles=_legend(), loc="outside upper center", ncols=2)
    return figure


def _two_lines(title: str) -> list[str]:
    words = title.split()
    return [" ".join(words[:-1]), words[-1]] if len(words) > 1 else [title, ""]


def _draw_row(axis: Axes, line: int, row: dict[str, float]) -> None:
    if missing(row["pearson"]):
        axis.text(0, line, "no value", ha="center", va="center", color=GREY)
        return
    if not (missing(row["ci_low"]) or missing(row["ci_high"])):
        axis.plot([row["ci_low"], row["ci_high"]], [line, line], color=BLUE, linewidth=1.4, solid_capstyle="butt")
    axis.plot(row["pearson"], line, "o", markersize=4.5, color=BLUE)
    axis.annotate(signed(row["pearson"]), (row["pearson"], line), (0, 4), textcoords="offset points", ha="center")
    if not missing(row["partial_pearson"]):
        axis.plot(row["partial_pearson"], line + 0.28, **PARTIAL)


def _legend() -> list[Line2D]:
    partial = "partial r: mean member accuracy held fixed"
    return [
        Line2D([], [], color=BLUE, marker="o", markersize=4.5, label="r with its 95 % interval"),
        Line2D([], [], **PARTIAL, label=partial),
    ]
