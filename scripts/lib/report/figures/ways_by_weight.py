"""What the weight of each loss does to accuracy and diversity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec, first_consensus_and_clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]], consensus: str, clean: str) -> Figure:
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.drawings.ways import draw_weights, terms_with_weights

    [path] = files["ways"]
    table = load_table(path)
    return draw_weights(table, consensus, clean, terms_with_weights(table))


SPEC = FigureSpec(
    name="ways_by_weight",
    order=61,
    title="How diversity is made: the weight of each loss",
    caption="Each row is one term of a loss. From left to right, its weight grows from 0, where members of the same "
    "networks are independent. The last column shows the term itself, which the training lowers (lower, or more "
    "negative: more different members): where it is clearly higher on held-out images than on training images, the "
    "members differ more on the images that they were trained on.",
    alternative="Line charts of accuracy and diversity over the weight of each term of a loss.",
    inputs=lambda study: {"ways": ["ways.parquet"]},
    shows=first_consensus_and_clean,
    draw=draw,
    exists=lambda study: study.has_swept_loss,
)
