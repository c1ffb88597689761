"""How the variance of accuracy over ensembles divides: one panel per dataset, one line per term."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scripts.lib.report.drawings.style import BLUE, GREY, ORANGE, literal, new_figure, panel_title, panels
from scripts.lib.report.labels import consensus_title, missing, plain, term_title
from scripts.lib.report.variance_tables import terms_together

COLUMNS = 5
BELOW = 0.24  # lines: neither marker hides the other
SHARE: Mapping[str, Any] = {"color": BLUE, "marker": "o", "markersize": 4.5}
ADDED: Mapping[str, Any] = {"color": ORANGE, "marker": "D", "markersize": 3.5, "markerfacecolor": "white"}


def draw_variance_shares(table: pl.DataFrame, consensus: str) -> Figure:
    """`table` has the rows of this consensus of `variance_shares.parquet`; it may have none."""
    by_dataset = {
        str(dataset): terms_together(rows) for (dataset,), rows in table.group_by("dataset", maintain_order=True)
    }
    terms = list(dict.fromkeys(row["term"] for rows in by_dataset.values() for row in rows))
    terms.sort(key=lambda term: term == "unexplained")  # last
    columns = min(COLUMNS, max(len(by_dataset), 1))
    rows = max(1, -(-len(by_dataset) // columns))
    figure = new_figure(height=rows * (0.27 * len(terms) + 0.55) + 0.6)
    axes = panels(figure, len(by_dataset), columns)
    for axis, (dataset, of_dataset) in zip(axes, by_dataset.items(), strict=True):
        axis.set_title(panel_title(dataset, columns))
        axis.grid(axis="x")
        axis.tick_params(axis="y", length=0)
        _draw_dataset(axis, of_dataset, terms)
    if axes:
        axes[0].set_yticks(range(len(terms)), [literal(term_title(term)) for term in terms])
        axes[0].set_ylim(len(terms) - 0.4, -0.7)
        axes[0].set_xlim(-4, 104)
        axes[0].set_xticks([0, 50, 100])
    figure.supxlabel(f"Share of the variance of ensemble accuracy (%), ensembles by {consensus_title(consensus)}")
    handles = [
        Line2D([], [], label="share with its 95 % interval", **SHARE),
        Line2D([], [], label="what the measure adds to size and members' accuracies", linestyle="", **ADDED),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure


def _draw_dataset(axis: Axes, rows: Sequence[Mapping[str, Any]], terms: Sequence[str]) -> None:
    for row in rows:
        line = terms.index(row["term"])
        if missing(row["share"]):
            axis.text(50, line, "no value", ha="center", va="center", color=GREY)
            continue
        if not (missing(row["low"]) or missing(row["high"])):
            axis.plot([100 * row["low"], 100 * row["high"]], [line, line], color=BLUE, linewidth=1.4)
        if not missing(row["added"]):
            axis.plot(100 * row["added"], line + BELOW, linestyle="", **ADDED)
        axis.plot(100 * row["share"], line, linestyle="", **SHARE)
        place = min(max(100 * row["share"], 4), 96)
        axis.annotate(plain(100 * row["share"], 0), (place, line), (0, 4), textcoords="offset points", ha="center")
