"""Figure A: the accuracy of each member on every dataset."""

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scripts.lib.report.drawings.style import (
    BLUE,
    GREY,
    LIGHT_GREY,
    MOST_CHARACTERS_OF_A_MEMBER,
    MOST_MEMBERS_WITH_NAMES,
    literal,
    new_figure,
    panel_title,
    panels,
    shortened,
)
from scripts.lib.report.labels import in_words, plain

COLUMNS = 5


def draw_member_accuracies(tables: Sequence[pl.DataFrame]) -> Figure:
    """One panel per dataset; members from the most to the least accurate on the first dataset."""
    clean = tables[0].sort("accuracy", "position", descending=[True, False])
    if len(clean) > MOST_MEMBERS_WITH_NAMES:
        return _draw_ranks(tables, clean)
    columns = min(COLUMNS, len(tables))
    rows = -(-len(tables) // columns)
    figure = new_figure(height=rows * (0.21 * len(clean) + 0.55) + 0.2)
    axes = panels(figure, len(tables), columns)
    for axis, table in zip(axes, tables, strict=True):
        in_order = clean.select("member").join(table, on="member", how="left", maintain_order="left")
        _draw_dataset(axis, in_order, columns)
        if table is not tables[0]:
            axis.scatter(clean["accuracy"], range(len(clean)), s=16, color=LIGHT_GREY, marker="|", zorder=1)
    names = [shortened(member, MOST_CHARACTERS_OF_A_MEMBER) for member in clean["member"]]
    axes[0].set_yticks(range(len(clean)), names)
    axes[0].set_ylim(len(clean) - 0.4, -0.6)
    _leave_room_for_values(axes[0], tables)
    first = literal(in_words(tables[0]["dataset"][0]).lower())
    reminder = f"; grey tick: the same member on {first}" if len(tables) > 1 else ""
    figure.supxlabel(f"Top-1 accuracy (%) with its 95 % interval; dashed: mean of the members{reminder}")
    return figure


def _draw_ranks(tables: Sequence[pl.DataFrame], clean: pl.DataFrame) -> Figure:
    """For more members than fit on a page: accuracy against the rank on the first dataset, without names."""
    columns = min(3, len(tables))
    rows = -(-len(tables) // columns)
    figure = new_figure(height=2.3 * rows + 0.3)
    ranks = clean.select("member").with_row_index("rank", offset=1)
    for axis, table in zip(panels(figure, len(tables), columns), tables, strict=True):
        ranked = ranks.join(table.drop_nulls("accuracy"), on="member").sort("rank")
        axis.set_title(panel_title(table["dataset"][0], columns))
        axis.fill_between(ranked["rank"], ranked["low"], ranked["high"], color=LIGHT_GREY, linewidth=0)
        axis.plot(ranked["rank"], ranked["accuracy"], ".", color=BLUE, markersize=2.5)
        axis.axhline(ranked["accuracy"].to_numpy().mean(), color=GREY, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
        axis.grid(axis="y")
    first = literal(in_words(tables[0]["dataset"][0]).lower())
    figure.supxlabel(f"Members, from the most to the least accurate on {first}; grey: 95 % interval; dashed: mean")
    figure.supylabel("Top-1 accuracy (%)")
    return figure


def _draw_dataset(axis: Axes, table: pl.DataFrame, columns: int) -> None:
    axis.set_title(panel_title(next(iter(table["dataset"].drop_nulls()), ""), columns))
    axis.grid(axis="x")
    axis.tick_params(axis="y", length=0)
    for row, member in enumerate(table.iter_rows(named=True)):
        if member["accuracy"] is None:
            continue
        axis.plot([member["low"], member["high"]], [row, row], color=BLUE, linewidth=1.4, solid_capstyle="butt")
        axis.plot(member["accuracy"], row, "o", color=BLUE, markersize=3.5)
        axis.annotate(
            plain(member["accuracy"], 1),
            (1, row),
            xycoords=("axes fraction", "data"),
            horizontalalignment="right",
            verticalalignment="center",
        )
    accuracies = table["accuracy"].drop_nulls().to_numpy()
    if len(accuracies):
        axis.axvline(accuracies.mean(), color=GREY, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)


def _leave_room_for_values(axis: Axes, tables: Sequence[pl.DataFrame]) -> None:
    """Widen the shared x axis so that the values printed at the right edge touch no point."""
    lows = [low for table in tables for low in table["low"].drop_nulls()]
    highs = [high for table in tables for high in table["high"].drop_nulls()]
    low, high = min(lows, default=0.0), max(highs, default=100.0)
    span = max(high - low, 5.0)
    left = low - 0.06 * span
    axis.set_xlim(left, high + 0.52 * span)
    ticks = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high)
    axis.set_xticks([tick for tick in ticks if left <= tick <= min(high + 0.1 * span, 100)])
