"""Improvement of the negative log-likelihood against improvement of the accuracy, one picture per improvement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scripts.lib.ensembles.consensus.spec import averaging
from scripts.lib.report.figure import FigureSpec, Picture, StudyOutline
from scripts.lib.report.labels import MOST_POINTS, counted, improvement_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], improvement: str, consensus: str) -> Figure:
    from scripts.lib.report.drawings.proper_scores import draw_proper_scores, read_panels

    return draw_proper_scores(read_panels(files["ensembles"], improvement, consensus), improvement, consensus)


def pictures(study: StudyOutline) -> Sequence[Picture]:
    """One picture per improvement and consensus with probabilities."""
    return [
        _picture(improvement, consensus)
        for improvement in study.improvements
        for consensus in averaging(study.consensus)
    ]


def _picture(improvement: str, consensus: str) -> Picture:
    title = improvement_title(improvement)
    shows: dict[str, Any] = {"improvement": improvement, "consensus": consensus}
    return Picture(
        f"nll_improvement_{improvement}_{consensus}",
        f"{title}: negative log-likelihood and accuracy",
        "Scatter plots, one for each dataset: by how much the negative log-likelihood of every ensemble is smaller "
        "than that of the member it is compared with, against by how much its accuracy is higher. The numbers are in "
        "ensembles/dataset.parquet.",
        shows,
    )


SPEC = FigureSpec(
    name="proper_scores",
    order=55,
    title="Do ensembles that are more accurate also have better probabilities?",
    caption="Each point is an ensemble that averages probabilities; its colour shows the number of members. If a "
    f"dataset has more than {counted(MOST_POINTS, 'ensemble')}, those that lie next to each other share a dot: its "
    "colour shows their mean number of members, and it is more opaque the more there are. To the right of the vertical "
    "line, an ensemble is more accurate than the member with which it is compared (the mean, the best or the baseline "
    "member). Above the horizontal line, its negative log-likelihood (NLL) is smaller: its probabilities are better. "
    "Points at the lower right are ensembles that are more accurate but have worse probabilities. The percentages "
    "above each panel are the shares of all ensembles to the right of the vertical line and above the horizontal one. "
    "Averaging never has a larger NLL than the mean member (except by clipping), so no point of that picture is below "
    "the line. The best "
    "member of an ensemble may be one member for accuracy and another one for NLL. Each panel has its own scales.",
    inputs=lambda study: {"ensembles": study.tables("ensembles")},
    several=pictures,
    draw=draw,
    exists=lambda study: bool(averaging(study.consensus)),
)
