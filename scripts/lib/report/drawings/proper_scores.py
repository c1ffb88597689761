"""How the improvement of the negative log-likelihood relates to that of the accuracy: one panel per dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scripts.lib.jobs.storage import load_table
from scripts.lib.report.drawings.clouds import Cloud, add_colours_of_sizes, cloud, cloud_panels
from scripts.lib.report.drawings.style import GREY, new_figure, panel_title
from scripts.lib.report.labels import (
    consensus_title,
    improvement_column,
    improvement_title,
    plain,
)

COLUMNS = 5
PANEL_HEIGHT = 1.2  # inches


@dataclass(frozen=True)
class Panel:
    """The ensembles of one dataset, and the shares (percent) of them that are more accurate and have a smaller NLL."""

    cloud: Cloud
    more_accurate: float
    smaller_nll: float


def read_panels(paths: Sequence[str], improvement: str, consensus: str) -> dict[str, Panel]:
    """The panels by dataset, from tables of ensembles `…/{dataset}.parquet`, of which one is in memory at a time."""
    columns = min(COLUMNS, len(paths))
    shown = [improvement_column(improvement), f"nll_{improvement_column(improvement)}"]
    panels = {}
    for path in paths:
        table = load_table(path, ["size", "consensus", *shown]).filter(pl.col("size") > 1, consensus=consensus)
        x, y = (table[name].to_numpy() for name in shown)
        panels[Path(path).stem] = _panel(x, y, table["size"].to_numpy(), columns)
    return panels


def _panel(x: np.ndarray, y: np.ndarray, size: np.ndarray, columns: int) -> Panel:
    """From the improvements of accuracy and of NLL, and the numbers of members, [E] each."""
    more_accurate, smaller_nll = (100 * float((values > 0).mean()) if len(x) else np.nan for values in (x, y))
    return Panel(cloud(x, y, size, columns, PANEL_HEIGHT), more_accurate, smaller_nll)


def draw_proper_scores(panels: Mapping[str, Panel], improvement: str, consensus: str) -> Figure:
    """One panel per dataset: across the improvement of accuracy in points, upwards that of the NLL in nats."""
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(height=(PANEL_HEIGHT + 0.65) * rows + 0.6)
    grid, axes = cloud_panels(figure, len(panels), columns)
    sizes = sorted({size for panel in panels.values() for size in panel.cloud.sizes})
    for axis, (dataset, panel) in zip(axes, panels.items(), strict=True):
        _draw_panel(axis, panel, sizes, panel_title(dataset, columns))
    figure.supxlabel("Accuracy: improvement (points)", fontsize=8)
    figure.supylabel("NLL: improvement (nats)", fontsize=8)
    figure.suptitle(f"{improvement_title(improvement)}, ensembles by {consensus_title(consensus)}")
    add_colours_of_sizes(figure, grid, sizes, height=0.9 / rows**0.5, labels=4)
    return figure


def _draw_panel(axis: Axes, panel: Panel, sizes: Sequence[int], title: str) -> None:
    axis.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axis.axvline(0, color=GREY, linewidth=0.6, zorder=0)
    panel.cloud.draw(axis, sizes)
    axis.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axis.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    accurate, smaller = plain(panel.more_accurate, 0), plain(panel.smaller_nll, 0)
    axis.set_title(f"{title}\nmore accurate {accurate} %\nsmaller NLL {smaller} %", fontsize=7)
