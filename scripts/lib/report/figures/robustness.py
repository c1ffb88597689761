"""Accuracy of members and ensembles under shift against that on the clean set, and the line of the members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, first_consensus
from scripts.lib.report.labels import MOST_POINTS, counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], consensus: str) -> Figure:
    from scripts.lib.report.drawings.robustness import draw_robustness, read_panels

    [robustness] = files["robustness"]
    return draw_robustness(read_panels(files["accuracies"], files["ensembles"], robustness, consensus), consensus)


SPEC = FigureSpec(
    name="robustness",
    order=32,
    title="Which ensembles are more robust than their accuracy on the clean set suggests?",
    caption="Accuracy on the clean set and under shift. Each coloured point is an ensemble; its colour shows the "
    f"number of members. If there are more than {counted(MOST_POINTS, 'ensemble')}, those that lie next to each other "
    "share a dot: its colour shows their mean number of members, and it is more opaque the more there are. Black "
    "points are the single members, and the line is fitted to them only. Both axes are spaced as probits, which makes "
    "the relation of the two accuracies nearly straight. How far an ensemble is above the line is its effective "
    "robustness: accuracy under shift that its accuracy on the clean set does not explain. Where the line is dotted, "
    "no member is as accurate (or as inaccurate): it is extrapolated, and the grey band says only what leaving out one "
    "member at a time changes, not whether the relation stays straight. The percentage above a panel is the share of "
    "all ensembles above the line. The star is the ensemble that is recommended on the clean set, measured on the "
    "evaluation splits; all other points are measured on all samples.",
    alternative="Scatter plots of accuracy under shift against accuracy on the clean set, one for each shifted set, "
    "with the line of the members. The numbers are in the section Under shift.",
    inputs=lambda study: {
        "accuracies": study.tables("accuracies"),
        "ensembles": study.tables("ensembles"),
        "robustness": ["robustness.parquet"],
    },
    shows=first_consensus,
    draw=draw,
    exists=lambda study: study.has_shift,
)
