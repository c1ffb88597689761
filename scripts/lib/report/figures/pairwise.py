"""Heat maps of how different every two members are, a picture for each measure."""

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
    """A picture for each measure."""
    return [_picture(measure) for measure in study.measures]


def _picture(measure: str) -> Picture:
    title = quantity(measure).title
    return Picture(
        f"pairwise_{measure}",
        f"{title} of every two members",
        f"Heat maps of the {title.lower()} between every two members, one for each dataset. "
        f"The numbers are in pairwise/dataset/{measure}.parquet.",
        {"measure": measure},
    )


SPEC = FigureSpec(
    name="pairwise",
    order=60,
    title="Heat maps of every pairwise measure",
    caption="One panel a dataset, one scale for all: the brighter, the more two members differ. Members stand in the "
    "same order everywhere, like ones together (average linkage on the first dataset); columns carry the rows' "
    "numbers.",
    inputs=lambda study: {
        "pairwise": [
            f"pairwise/{dataset}/{measure}.parquet" for measure in study.measures for dataset in study.datasets
        ]
    },
    several=pictures,
    draw=draw,
)
