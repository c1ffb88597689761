"""What figures of calibration share: a row of panels for each scaling, a column for each dataset, and the lines."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scripts.lib.report.drawings.style import BLUE, GREEN, ORANGE, literal, new_figure, panel_title
from scripts.lib.report.labels import SCALINGS, in_words

COLUMNS = 5
LEAST_HEIGHT = 3.1  # inches, so that a single row leaves room for the name of its axis
STYLES: dict[str, dict[str, Any]] = {
    "arithmetic": {"color": BLUE, "linestyle": "-", "marker": "o"},
    "geometric": {"color": ORANGE, "linestyle": "--", "marker": "s"},
    "recommended": {"color": GREEN, "linestyle": ":", "marker": "^"},
}
OF_ENSEMBLES: dict[str, Any] = {"linewidth": 1, "markersize": 2.5}


def panels_of_scalings(tables: Mapping[str, pl.DataFrame], height: float) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Panels of this `height` in inches by dataset and scaling, with common scales.

    One row for each scaling that has scores, and one column for each dataset; beyond COLUMNS datasets, further rows. If
    there are fewer datasets than scalings, each dataset has a row, because panels would be too wide.
    """
    datasets, scalings = list(tables), _scalings_of(tables)
    if len(datasets) < len(scalings):
        lines = [[(dataset, scaling) for scaling in scalings] for dataset in datasets]
    else:
        parts = [datasets[first : first + COLUMNS] for first in range(0, len(datasets), COLUMNS)]
        lines = [[(dataset, scaling) for dataset in part] for part in parts for scaling in scalings]
    rows, columns = len(lines), max(map(len, lines))
    figure = new_figure(height=max(height * rows + 0.8, LEAST_HEIGHT))
    cells = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    axes = {key: axis for line, row in zip(lines, cells, strict=True) for key, axis in zip(line, row, strict=False)}
    for empty in set(cells.flat) - set(axes.values()):
        empty.set_axis_off()
    _name_panels(axes, lines, transposed=len(datasets) < len(scalings))
    figure.align_ylabels(cells[:, 0])
    return figure, axes


def _name_panels(
    axes: Mapping[tuple[str, str], Axes], lines: Sequence[Sequence[tuple[str, str]]], transposed: bool
) -> None:
    """Titles above the first row of each dataset, and names of the rows; the lowest panels show their ticks."""
    for number, line in enumerate(lines):
        dataset, scaling = line[0]
        axes[line[0]].set_ylabel(literal(in_words(dataset)) if transposed else SCALINGS[scaling])
        first = number == 0 if transposed else scaling == lines[0][0][1]
        last = number == len(lines) - 1 if transposed else scaling == lines[-1][0][1]
        for key in line:
            axes[key].tick_params(labelbottom=last)
            if first:
                axes[key].set_title(SCALINGS[key[1]] if transposed else panel_title(key[0], len(line)))


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
