"""Heat maps of how different every pair of members is, one picture per measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, Picture, StudyOutline
from scripts.lib.report.labels import quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], measure: str) -> Figure:
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.pairwise import draw_pairwise

    paths = [path for path in map(Path, files["pairwise"]) if path.stem == measure]
    return draw_pairwise({path.parent.name: load_table(path) for path in paths}, measure)


def pictures(study: StudyOutline) -> Sequence[Picture]:
    """One picture per measure."""
    return [_picture(measure) for measure in study.measures]


def _picture(measure: str) -> Picture:
    title = quantity(measure).title
    return Picture(
        f"pairwise_{measure}",
        f"{title} of every pair of members",
        f"Heat maps of the {title.lower()} between every pair of members, one for each dataset. "
        f"The numbers are in pairwise/dataset/{measure}.parquet.",
        {"measure": measure},
    )


SPEC = FigureSpec(
    name="pairwise",
    order=60,
    title="Heat maps of every pairwise measure",
    caption="One panel per dataset, with one scale for all panels. The brighter a cell, the more the two members "
    "differ. Members have the same order in all panels, with similar members next to each other (hierarchical "
    "clustering with average linkage on the first dataset). Columns have the numbers of the rows.",
    inputs=lambda study: {
        "pairwise": [
            f"pairwise/{dataset}/{measure}.parquet" for measure in study.measures for dataset in study.datasets
        ]
    },
    several=pictures,
    draw=draw,
)
