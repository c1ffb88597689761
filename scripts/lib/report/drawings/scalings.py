"""What figures of calibration share: a row of panels for each scaling, a column for each dataset, and the lines."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scripts.lib.report.drawings.style import BLUE, GREEN, ORANGE, literal, new_figure
from scripts.lib.report.labels import SCALINGS, in_words

COLUMNS = 5
STYLES: dict[str, dict[str, Any]] = {
    "arithmetic": {"color": BLUE, "linestyle": "-", "marker": "o"},
    "geometric": {"color": ORANGE, "linestyle": "--", "marker": "s"},
    "recommended": {"color": GREEN, "linestyle": ":", "marker": "^"},
}
OF_ENSEMBLES: dict[str, Any] = {"linewidth": 1, "markersize": 2.5}


def panels_of_scalings(tables: Mapping[str, pl.DataFrame], height: float) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Panels of this `height` in inches by dataset and scaling, with common scales.

    One row for each scaling that has scores, and one column for each dataset; beyond COLUMNS datasets, further rows.
    """
    datasets, scalings = list(tables), _scalings_of(tables)
    columns = min(COLUMNS, len(datasets))
    parts = [datasets[first : first + columns] for first in range(0, len(datasets), columns)]
    figure = new_figure(height=height * len(parts) * len(scalings) + 0.8)
    cells = figure.subplots(len(parts) * len(scalings), columns, squeeze=False, sharex=True, sharey=True)
    axes: dict[tuple[str, str], Axes] = {}
    for row, (part, scaling) in zip(cells, ((part, name) for part in parts for name in scalings), strict=True):
        row[0].set_ylabel(SCALINGS[scaling])
        axes |= {(dataset, scaling): axis for dataset, axis in zip(part, row, strict=False)}
        for empty in row[len(part) :]:
            empty.set_axis_off()
    for dataset in datasets:
        axes[dataset, scalings[0]].set_title(literal(in_words(dataset)))
        axes[dataset, scalings[-1]].tick_params(labelbottom=True)
    figure.align_ylabels(cells[:, 0])
    return figure, axes


def _scalings_of(tables: Mapping[str, pl.DataFrame]) -> Sequence[str]:
    """The scalings of which some dataset has scores or curves, in their order."""
    present = {name for table in tables.values() for name in table.drop_nulls("samples")["scaling"]}
    return [scaling for scaling in SCALINGS if scaling in present]


def add_legend(figure: Figure, names: Mapping[str, str], member: Line2D) -> None:
    lines = [Line2D([], [], **OF_ENSEMBLES, **STYLES[name], label=label) for name, label in names.items()]
    figure.legend(handles=[*lines, member], loc="outside upper center", ncols=2 if len(lines) > 2 else 3)


def of_single_members(table: pl.DataFrame, scaling: str) -> pl.DataFrame:
    """What single members look like beside averages of this scaling: a member has no other temperature than its own."""
    return table.filter(role="member", scaling="none" if scaling == "none" else "members")
