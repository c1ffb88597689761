"""The effect of each diversity on the accuracy of ensembles, adjusted for their members' accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, Picture, StudyOutline
from scripts.lib.report.labels import WHAT_EFFECTS_ARE, consensus_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], consensus: str) -> Figure:
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.forest import Estimate, draw_forest

    [path] = files["effects"]
    axis = (
        "Difference in ensemble accuracy (percentage points) for one standard deviation of the remaining diversity,\n"
        f"adjusted for size and members' accuracies; ensembles by {consensus_title(consensus)}"
    )
    estimate = Estimate("points_per_sd", "points_low", "points_high", "effect", axis)
    return draw_forest(load_table(path).filter(outcome="accuracy", consensus=consensus), estimate)


def pictures(study: StudyOutline) -> Sequence[Picture]:
    """One picture, of the first consensus."""
    return [Picture(SPEC.name, SPEC.title, SPEC.alternative, {"consensus": study.consensus[0]})]


SPEC = FigureSpec(
    name="effects",
    order=35,
    title="Diversity and ensemble accuracy, adjusted for the members' accuracies",
    caption=f"The effect of each measure on each dataset, with its 95 % interval. {WHAT_EFFECTS_ARE} The numbers, with "
    "p and q, are in the tables of effects.",
    alternative="Dot plot of the effect of each measure on the accuracy of ensembles on each dataset. The numbers are "
    "in the tables of effects.",
    inputs=lambda study: {"effects": ["effects.parquet"]},
    several=pictures,
    draw=draw,
)
