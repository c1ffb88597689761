"""Learning curves: loss and accuracy of every member, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from scripts.lib.report.drawings.style import BLUE, GREY, ORANGE, RED, new_figure, wrapped

COLUMNS = 5
WIDE = 20  # a ratio of losses that a linear axis does not show
History = Sequence[Mapping[str, Any]]


def draw_learning_curves(histories: Mapping[str, History]) -> Figure:
    """One small picture per member, because the numbers of epochs differ: accuracy above, loss below."""
    count = len(histories)
    columns = count if count <= COLUMNS else next((n for n in (5, 4) if count % n == 0), 4 if count <= 8 else 5)
    blocks = -(-count // columns)
    figure = new_figure(height=2.05 * blocks + 0.4)
    grid = figure.subplots(
        2 * blocks, columns, squeeze=False, sharey="none", gridspec_kw={"height_ratios": [3, 2] * blocks}
    )
    scale, lowest, highest = _common_losses(histories)
    for panel in range(blocks * columns):
        block, column = divmod(panel, columns)
        above, below = grid[2 * block, column], grid[2 * block + 1, column]
        if panel >= count:
            above.set_axis_off()
            below.set_axis_off()
            continue
        member, history = list(histories.items())[panel]
        _draw_accuracy(above, history, member)
        _draw_loss(below, history)
        above.set_ylim(0, 100)
        above.yaxis.set_major_locator(MaxNLocator(4))
        below.set_yscale(scale)
        below.set_ylim(lowest, highest)
        for axis in (above, below):
            axis.tick_params(labelleft=column == 0)
    for block in range(blocks):
        grid[2 * block, 0].set_ylabel("Accuracy (%)")
        grid[2 * block + 1, 0].set_ylabel("Loss" if scale == "linear" else "Loss (log.)")
    figure.legend(handles=_legend(), loc="outside upper center", ncols=3)
    figure.supxlabel("Epoch")
    return figure


def _series(history: History, key: str) -> tuple[list[float], list[float]]:
    """Epochs and values, without the epochs that have no value."""
    points = [(row["epoch"], row[key]) for row in history if row.get(key) is not None]
    return [epoch for epoch, _ in points], [value for _, value in points]


def _common_losses(histories: Mapping[str, History]) -> tuple[str, float, float]:
    """Scale, bottom and top of the loss axes, the same for all members."""
    losses = [loss for history in histories.values() for loss in _series(history, "loss")[1] if np.isfinite(loss)]
    if min(losses, default=1.0) > 0 and max(losses, default=1.0) > WIDE * min(losses, default=1.0):
        return "log", min(losses) / 1.5, 1.5 * max(losses)
    return "linear", min(0.0, *losses, 0.0), 1.08 * max(losses, default=1.0)


def _draw_accuracy(axis: Axes, history: History, member: str) -> None:
    axis.set_title(wrapped(member, 20), fontsize=7.5)
    if not history:
        axis.text(0.5, 0.5, "not trained here", transform=axis.transAxes, ha="center", color=GREY)
    axis.plot(*_series(history, "training_accuracy"), "--", color=ORANGE, marker="s", markersize=2.2, linewidth=1)
    axis.plot(*_series(history, "validation_accuracy"), "-", color=BLUE, marker="o", markersize=2.6, linewidth=1.2)
    _style(axis, history)
    axis.tick_params(labelbottom=False)


def _draw_loss(axis: Axes, history: History) -> None:
    axis.yaxis.set_major_locator(MaxNLocator(4))
    axis.plot(*_series(history, "loss"), ":", color=RED, marker="^", markersize=2.6, linewidth=1.2)
    _style(axis, history)


def _style(axis: Axes, history: History) -> None:
    epochs = [row["epoch"] for row in history] or [1]
    margin = max(0.3, 0.04 * (max(epochs) - min(epochs)))
    axis.set_xlim(min(epochs) - margin, max(epochs) + margin)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    axis.grid(axis="y")


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=BLUE, marker="o", markersize=3, linewidth=1.2, label="Validation accuracy"),
        Line2D([], [], color=ORANGE, marker="s", markersize=3, linewidth=1, linestyle="--", label="Training accuracy"),
        Line2D([], [], color=RED, marker="^", markersize=3, linewidth=1.2, linestyle=":", label="Training loss"),
    ]
