"""How diversity is made: each way of training members, and each weight of a loss, with intervals over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from scripts.lib.ensembles.group_quantities import (
    HELD_OUT,
    MEMBER_ACCURACY,
    SHIFTED,
    TRAINING,
    ensemble_accuracy,
    penalty,
)
from scripts.lib.report.drawings.style import BLUE, LIGHT_GREY, ORANGE, RED, literal, new_figure, shortened, wrapped
from scripts.lib.report.labels import quantity

ROW = 0.16  # inches for one way
COLUMNS = 5
NARROW = 14  # characters of a line above a column
OFFSET = 0.17  # of clean and shifted sets, around the row of a way


@dataclass(frozen=True)
class Column:
    """What a column of panels shows: a quantity of the table, its title, and the factor to the unit that is shown."""

    quantity: str
    title: str
    factor: float = 1.0


@dataclass(frozen=True)
class Sets:
    """A line or a row of markers: the set in the table, its name for readers, colour and marker."""

    dataset: str
    name: str
    colour: str
    marker: str


def columns_of(table: pl.DataFrame, consensus: str) -> list[Column]:
    """Accuracy of members and ensembles, and each diversity that the table has, in its order."""
    fixed = {
        MEMBER_ACCURACY: "Members'\naccuracy (%)",
        ensemble_accuracy(consensus): "Ensemble's\naccuracy (%)",
    }
    found = []
    for name in table["quantity"].unique(maintain_order=True):
        if name in fixed:
            found.append(Column(name, fixed[name]))
        elif not name.startswith((ensemble_accuracy(""), penalty(""))):
            shown = quantity(name)
            found.append(Column(name, wrapped(shown.label, NARROW), shown.factor))
    return found


def sets_of(table: pl.DataFrame, clean: str) -> list[Sets]:
    """The clean set, and the mean over the shifted ones if there are some."""
    found = [Sets(clean, "clean images", BLUE, "o")]
    if table["dataset"].is_in([SHIFTED]).any():
        found.append(Sets(SHIFTED, SHIFTED, ORANGE, "s"))
    return found


def draw_ways(table: pl.DataFrame, consensus: str, clean: str) -> Figure:
    """One row per way and loss of `ways.parquet`, one column per quantity."""
    ways, table = table.select("way", "loss").unique(maintain_order=True).rows(), _with_values(table)
    columns, sets = columns_of(table, consensus), sets_of(table, clean)
    blocks, across = -(-len(columns) // COLUMNS), min(COLUMNS, len(columns))
    figure = new_figure(height=max(1.5, blocks * (ROW * len(ways) + 0.7) + 0.3))
    cells = figure.subplots(blocks, across, sharey=True, squeeze=False)
    axes = cells.flat[: len(columns)]
    for empty in cells.flat[len(columns) :]:
        empty.set_axis_off()
    for axis, column in zip(axes, columns, strict=True):
        for row, (way, loss) in enumerate(ways):
            if row and way != ways[row - 1][0]:
                axis.axhline(row - 0.5, color=LIGHT_GREY, linewidth=0.6, zorder=0)
            for number, of_sets in enumerate(sets):
                values = table.filter(way=way, loss=loss, dataset=of_sets.dataset, quantity=column.quantity)
                offset = (number - (len(sets) - 1) / 2) * 2 * OFFSET
                for found in values.iter_rows(named=True):
                    _draw_interval(axis, row + offset, found, column, of_sets)
        axis.set_title(column.title, fontsize=7)
        axis.set_xlim(*_limits(table, column, sets))
        axis.grid(axis="x")
        axis.xaxis.set_major_locator(MaxNLocator(3))
        axis.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(ways)), [shortened(_name(way, loss), 40) for way, loss in ways], fontsize=7)
    axes[0].set_ylim(len(ways) - 0.4, -0.6)
    figure.legend(handles=_handles(sets), loc="outside upper center", ncols=len(sets))
    return figure


def draw_weights(table: pl.DataFrame, consensus: str, clean: str, terms: Sequence[str]) -> Figure:
    """A row for each term of a loss with several weights, the quantities over the weight, and the term itself."""
    table = _with_values(table)
    columns, sets = columns_of(table, consensus), sets_of(table, clean)
    figure = new_figure(height=1.35 * len(terms) + 0.9)
    grid = figure.subplots(len(terms), len(columns) + 1, squeeze=False, sharey="none")
    for term, axes in zip(terms, grid, strict=True):
        ladder = ladder_of(table, term)
        for axis, column in zip(axes, columns, strict=False):
            for of_sets in sets:
                _draw_line(axis, ladder, table, column, of_sets)
        own = Column(penalty(term), "The term\nitself")
        _draw_line(axes[-1], ladder, table, own, Sets(TRAINING, TRAINING, RED, "^"))
        _draw_line(axes[-1], ladder, table, own, Sets(HELD_OUT, HELD_OUT, BLUE, "v"))
        axes[0].set_ylabel(literal(term))
        for axis in axes:
            axis.set_xticks(range(len(ladder)), [f"{weight:g}" for weight, _ in ladder], rotation=90)
            axis.grid(axis="y")
            axis.yaxis.set_major_locator(MaxNLocator(3))
            axis.margins(x=0.08)
        for axis, column in zip(axes, columns, strict=False):
            axis.set_ylim(*_limits(table, column, sets))
    for axis, title in zip(grid[0], [*(column.title for column in columns), "The term\nitself"], strict=True):
        axis.set_title(title, fontsize=7)
    figure.supxlabel("Weight of the term in the loss (0: independent members)")
    penalties = [Sets("", f"term {TRAINING}", RED, "^"), Sets("", f"term {HELD_OUT}", BLUE, "v")]
    figure.legend(handles=_handles([*sets, *penalties]), loc="outside upper center", ncols=4)
    return figure


def _with_values(table: pl.DataFrame) -> pl.DataFrame:
    """Without what could not be measured, such as the CKA of activations that do not vary."""
    return table.filter(pl.col("mean").is_not_null())


def ladder_of(table: pl.DataFrame, term: str) -> list[tuple[float, tuple[str, str]]]:
    """The weights of the way that has most weights of a term alone, and (way, loss).

    0 is the first independent way of the same networks, if there is one.
    """
    found: dict[str, list[tuple[float, tuple[str, str]]]] = {}
    networks: dict[str, int | None] = {}
    ways = table.select("way", "loss", "networks").unique(maintain_order=True).rows()
    for way, loss, number in ways:
        name, _, weight = loss.partition(" ")
        if name == term and "," not in loss:
            found.setdefault(way, []).append((float(weight), (way, loss)))
            networks[way] = number
    longest = max(map(len, found.values()), default=0)
    way = next((way for way, weights in found.items() if len(weights) == longest), "")
    most = sorted(found.get(way, []))
    independent = [(name, loss) for name, loss, number in ways if not loss and number == networks.get(way)]
    return [(0.0, independent[0]), *most] if independent and most and most[0][0] > 0 else most


def terms_with_weights(table: pl.DataFrame) -> list[str]:
    """The terms of which a table has at least two weights."""
    names = [loss.partition(" ")[0] for loss in table["loss"].unique(maintain_order=True) if loss and "," not in loss]
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def _draw_interval(axis: Axes, row: float, found: dict[str, float], column: Column, of_sets: Sets) -> None:
    low, high = found["low"], found["high"]
    if low is not None:
        axis.plot([low * column.factor, high * column.factor], [row, row], color=of_sets.colour, linewidth=1)
    axis.plot(found["mean"] * column.factor, row, of_sets.marker, color=of_sets.colour, markersize=2.6)


def _draw_line(
    axis: Axes,
    ladder: Sequence[tuple[float, tuple[str, str]]],
    table: pl.DataFrame,
    column: Column,
    of_sets: Sets,
) -> None:
    for place, (_, (way, loss)) in enumerate(ladder):
        values = table.filter(way=way, loss=loss, dataset=of_sets.dataset, quantity=column.quantity)
        for found in values.iter_rows(named=True):
            if found["low"] is not None:
                limits = [found["low"] * column.factor, found["high"] * column.factor]
                axis.plot([place, place], limits, color=of_sets.colour, linewidth=1)
    points = [
        (place, row["mean"] * column.factor)
        for place, (_, (way, loss)) in enumerate(ladder)
        for row in table.filter(way=way, loss=loss, dataset=of_sets.dataset, quantity=column.quantity).iter_rows(
            named=True
        )
    ]
    if points:
        axis.plot(*zip(*points, strict=True), color=of_sets.colour, marker=of_sets.marker, markersize=2.6, linewidth=1)


def _name(way: str, loss: str) -> str:
    """A way and its loss; the name of the only term is left out if the way is called by it."""
    if not loss:
        return way
    name, _, weight = loss.partition(" ")
    return f"{way}, weight {weight}" if "," not in loss and name in way else f"{way} ({loss})"


def _limits(table: pl.DataFrame, column: Column, sets: Sequence[Sets]) -> tuple[float, float]:
    """Of the axis of a quantity: all means, and intervals as far as they are not much longer than the means differ."""
    shown = table.filter(pl.col("dataset").is_in([each.dataset for each in sets]), quantity=column.quantity)
    means, ends = shown["mean"].to_numpy(), shown.select(pl.col("low").min(), pl.col("high").max()).row(0)
    room = max(float(np.ptp(means)), abs(float(means[0])) * 1e-3, 1e-9)
    low, high = (float(means.min()) if end is None else end for end in ends)
    margin = 0.05 * room
    lowest, highest = max(low, means.min() - room) - margin, min(max(high, means.max()), means.max() + room) + margin
    return lowest * column.factor, highest * column.factor


def _handles(lines: Sequence[Sets]) -> list[Line2D]:
    return [
        Line2D([], [], color=each.colour, marker=each.marker, label=each.name, markersize=3, linewidth=1)
        for each in lines
    ]
