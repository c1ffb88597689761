"""How diversity is made: every way of training the members of a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, first_consensus_and_clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], consensus: str, clean: str) -> Figure:
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.ways import draw_ways

    [path] = files["ways"]
    return draw_ways(load_table(path), consensus, clean)


SPEC = FigureSpec(
    name="ways",
    order=60,
    title="How diversity is made: members trained together",
    caption="Each row is one way of training the members of a group: the mean over its seeds with its 95 % interval "
    "(Student's t). Intervals much longer than the means differ are cut off at the edge. Diversity is the "
    "mean over the pairs of members of a group. A diversity that costs the members much accuracy need not "
    "help the ensemble, so look at the first columns, too.",
    alternative="Dot plot of accuracy and diversity of each way of training. The numbers are in the table of the ways.",
    inputs=lambda study: {"ways": ["ways.parquet"]},
    shows=first_consensus_and_clean,
    draw=draw,
    exists=lambda study: bool(study.groups),
)
