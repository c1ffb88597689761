"""Calibration curves of members and of two ensembles, before and after temperature scaling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, tables_by_dataset
from scripts.lib.report.labels import WHAT_IS_SCALED

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]]) -> Figure:
    from scripts.lib.report.drawings.calibration_curves import draw_calibration_curves

    return draw_calibration_curves(tables_by_dataset(files["curves"]))


SPEC = FigureSpec(
    name="calibration_curves",
    order=56,
    title="Does confidence mean accuracy?",
    caption="The samples of the evaluation split are divided into 15 bins of equal width by their confidence, which is "
    "the largest probability. Each point is a bin with at least 10 samples. On the diagonal, confidence equals "
    f"accuracy; below it, a forecast is overconfident. {WHAT_IS_SCALED}",
    alternative="Calibration curves, one panel for each dataset and each kind of temperature scaling. The "
    "numbers are in calibration_curves/dataset.parquet.",
    inputs=lambda study: {"curves": study.tables("calibration_curves")},
    draw=draw,
)
