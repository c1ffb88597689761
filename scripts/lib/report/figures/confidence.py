"""What averaging and temperatures do to confidence, against the number of members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.ensembles.consensus.spec import averaging
from scripts.lib.report.figure import FigureSpec, tables_by_dataset
from scripts.lib.report.labels import WHAT_IS_SCALED

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]]) -> Figure:
    from scripts.lib.report.drawings.confidence import draw_confidence

    return draw_confidence(tables_by_dataset(files["calibration"]))


SPEC = FigureSpec(
    name="confidence",
    order=57,
    title="What averaging and temperatures do to confidence",
    caption="Mean confidence minus accuracy on the evaluation split: above 0, a forecast is overconfident, below 0 "
    "underconfident. Lines are the best ensembles of each size that deployment chose on the clean selection split, and "
    "the ensemble of all members, so neighbouring points have different members. Grey: each single member. "
    f"{WHAT_IS_SCALED}",
    alternative="Line charts of mean confidence minus accuracy against the number of members, one panel for each "
    "dataset and each kind of temperature scaling. The numbers are in calibration/dataset.parquet.",
    inputs=lambda study: {"calibration": study.tables("calibration")},
    draw=draw,
    exists=lambda study: bool(averaging(study.consensus)) and len(study.members) > 1,
)
