"""Accuracy on the clean set against accuracy under shift, as probits: members, their line, and all ensembles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from scipy.special import ndtr, ndtri

from scripts.lib.jobs.storage import load_table
from scripts.lib.report.drawings.clouds import Cloud, add_colours_of_sizes, cloud, cloud_panels
from scripts.lib.report.drawings.style import LIGHT_GREY, ORANGE, new_figure, panel_title
from scripts.lib.report.labels import consensus_title, plain
from scripts.lib.statistics.robustness import Counts, JackknifedLine, effective_robustness, jackknifed_line
from scripts.lib.statistics.robustness_of_ensembles import counts_of_members

COLUMNS = 4
PANEL_HEIGHT = 1.6  # inches
STAR: dict[str, Any] = {"marker": "*", "markersize": 9, "markerfacecolor": ORANGE, "markeredgecolor": "black"}
MARKED = (0.1, 0.5, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.9)  # percent


@dataclass(frozen=True)
class Panel:
    """One shifted set, in probits: the ensembles, the members [2, M] and their line, and the chosen ensemble [2].

    `above` is the share (percent) of ensembles above the line; None if there is no line or no ensemble.
    """

    cloud: Cloud
    members: np.ndarray
    line: JackknifedLine
    chosen: np.ndarray
    above: float | None


def read_panels(
    accuracies: Sequence[str], ensembles: Sequence[str], robustness: str, consensus: str
) -> dict[str, Panel]:
    """The panels by dataset, from the tables of all datasets, the clean one first; two are in memory at a time."""
    table = load_table(robustness).filter(recommended=True, consensus=consensus)
    clean = counts_of_members(accuracies[0])
    size, before = _ensembles(ensembles[0], consensus, clean.samples)
    panels = {}
    for of_members, of_ensembles in zip(accuracies[1:], ensembles[1:], strict=True):
        dataset, shifted = Path(of_members).stem, counts_of_members(of_members)
        _, after = _ensembles(of_ensembles, consensus, shifted.samples)
        found = jackknifed_line(clean, shifted)
        beyond = effective_robustness(before, after, found.line)
        panels[dataset] = Panel(
            cloud(before.probits(), after.probits(), size, min(COLUMNS, len(accuracies) - 1), PANEL_HEIGHT),
            np.stack([clean.probits(), shifted.probits()]),
            found,
            _chosen(table.filter(dataset=dataset)),
            None if found.line.reason or not len(size) else 100 * float((beyond > 0).mean()),
        )
    return panels


def _ensembles(path: str, consensus: str, samples: int) -> tuple[np.ndarray, Counts]:
    """Sizes [E] and correct answers [E] of the ensembles of several members."""
    table = load_table(path, ["size", "consensus", "accuracy"]).filter(pl.col("size") > 1, consensus=consensus)
    right = np.rint(table["accuracy"].to_numpy() * samples / 100)
    return table["size"].to_numpy(), Counts(right, samples)


def _chosen(table: pl.DataFrame) -> np.ndarray:
    """Probits of the recommended ensemble on the evaluation splits, [2]."""
    row = table.row(0, named=True)
    counts = [
        Counts(np.rint(np.array(row[name] * row[samples] / 100)), row[samples])
        for name, samples in (("clean_accuracy", "clean_samples"), ("accuracy", "samples"))
    ]
    return np.array([each.probits() for each in counts])


def draw_robustness(panels: Mapping[str, Panel], consensus: str) -> Figure:
    """One panel per shifted set: across the accuracy on the clean set, upwards that on the shifted one."""
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(height=(PANEL_HEIGHT + 0.6) * rows + 0.6)
    grid, axes = cloud_panels(figure, len(panels), columns)
    sizes = sorted({size for panel in panels.values() for size in panel.cloud.sizes})
    for axis, (dataset, panel) in zip(axes, panels.items(), strict=True):
        _draw_panel(axis, panel, sizes, panel_title(dataset, columns))
    consensus_in_words = consensus_title(consensus)
    figure.supxlabel(f"Accuracy on the clean set (%, spaced as probits); ensembles by {consensus_in_words}")
    figure.supylabel("Accuracy under shift (%)")
    add_colours_of_sizes(figure, grid, sizes, height=0.9 / rows**0.5, labels=4)
    figure.legend(handles=_legend(), loc="outside upper center", ncols=4, handlelength=1.5, columnspacing=1.2)
    return figure


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color="black", marker="o", markersize=3.5, linestyle="", label="member"),
        Line2D([], [], color="black", linewidth=1, label="line of the members, grey: 95 % interval"),
        Line2D([], [], color="black", linewidth=1, linestyle=":", label="extrapolated"),
        Line2D([], [], **STAR, linestyle="", label="chosen on the clean set (on evaluation splits)"),
    ]


def _draw_panel(axis: Axes, panel: Panel, sizes: Sequence[int], title: str) -> None:
    panel.cloud.draw(axis, sizes)
    axis.plot(*panel.members, "o", markersize=3.5, color="black", markeredgecolor="white", markeredgewidth=0.4)
    axis.plot(*panel.chosen, **STAR)
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    if panel.above is not None:
        title += f"\n{plain(panel.above, 0)} % above the line"
    axis.set_title(title, fontsize=7.5)
    if not panel.line.line.reason:
        _draw_line(axis, panel.line, left, right)
    axis.set_xlim(left, right)
    axis.set_ylim(low, high)
    axis.set_xticks(*_ticks(left, right))
    axis.set_yticks(*_ticks(low, high))


def _draw_line(axis: Axes, found: JackknifedLine, left: float, right: float) -> None:
    line = found.line
    start, end = ndtri([line.lowest, line.highest])
    across = np.linspace(left, right, 100)
    low, high = (ndtri(np.clip(limit, 1e-12, 1 - 1e-12)) for limit in found.band(across))
    axis.fill_between(across, low, high, color=LIGHT_GREY, alpha=0.6, linewidth=0, zorder=0)
    for ends, style in (((left, start), ":"), ((start, end), "-"), ((end, right), ":")):
        axis.plot(ends, line.intercept + line.slope * np.array(ends), style, color="black", linewidth=1)


def _ticks(low: float, high: float, most: int = 5) -> tuple[list[float], list[str]]:
    """Places and labels of accuracies between two probits, not closer together than a part of the axis."""
    places: list[float] = []
    labels: list[str] = []
    for percent in MARKED:
        place = float(ndtri(percent / 100))
        if low <= place <= high and (not places or place - places[-1] >= (high - low) / most):
            places.append(place)
            labels.append(f"{percent:g}")
    return (places, labels) if len(places) > 1 else _close_ticks(low, high)


def _close_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """As `_ticks` for a range in which there are too few of the marked accuracies."""
    lowest, highest = (100 * float(ndtr(limit)) for limit in (low, high))
    percents = [p for p in MaxNLocator(4).tick_values(lowest, highest) if lowest <= p <= highest and 0 < p < 100]
    return [float(ndtri(percent / 100)) for percent in percents], [f"{percent:g}" for percent in percents]
