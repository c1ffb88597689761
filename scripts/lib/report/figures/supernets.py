"""Training of the super-networks: accuracy of their smallest and largest sub-network, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]]) -> Figure:
    import polars as pl

    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.supernets import draw_supernets

    return draw_supernets(pl.concat([load_table(path) for path in files["stages"]]))


SPEC = FigureSpec(
    name="supernets",
    order=90,
    title="Training of the super-networks",
    caption="Accuracy of the smallest sub-network that the stage allows, and of the whole network, on held-out "
    "training images. Each of the two has its own batch norm statistics.",
    alternative="Line chart of accuracy against epochs. The numbers are in supernets/supernet.stages.parquet.",
    inputs=lambda study: {"stages": [f"supernets/{supernet}.stages.parquet" for supernet in study.supernets]},
    draw=draw,
    exists=lambda study: bool(study.supernets),
)
