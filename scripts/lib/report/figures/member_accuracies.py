"""Top-1 accuracy of every member on every dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]]) -> Figure:
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.member_accuracies import draw_member_accuracies

    return draw_member_accuracies([load_table(path) for path in files["accuracies"]])


SPEC = FigureSpec(
    name="member_accuracies",
    order=10,
    title="Accuracy of every member",
    caption="Top-1 accuracy with its 95 % Wilson interval. Members are sorted by their accuracy on the first dataset. "
    "Dashed lines are the means over the members.",
    alternative="Dot plot of each member's accuracy on each dataset. The numbers are in the table of accuracies.",
    inputs=lambda study: {"accuracies": study.tables("accuracies")},
    draw=draw,
)
