"""Accuracy and operations of the sub-networks that each search evaluated, with the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]]) -> Figure:
    import polars as pl

    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.searches import draw_searches

    return draw_searches(pl.concat([load_table(path) for path in files["searches"]]))


SPEC = FigureSpec(
    name="searches",
    order=100,
    title="Search for sub-networks",
    caption="Each point is a sub-network that the search evaluated on held-out training images. Blue: the Pareto "
    "front, for which no other sub-network is at least as accurate with at most as many operations.",
    alternative="Scatter plot of accuracy against operations. The numbers are in supernets/supernet.search.parquet.",
    inputs=lambda study: {
        "searches": [f"supernets/{supernet}.search.parquet" for supernet in study.searched_supernets]
    },
    draw=draw,
    exists=lambda study: bool(study.searched_supernets),
)
