"""Accuracy and loss of every member that was trained alone, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.lib.report.figure import FigureSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]]) -> Figure:
    from scripts.lib.jobs.storage import load_json
    from scripts.lib.report.drawings.learning_curves import draw_learning_curves

    histories = {Path(path).stem: load_json(path).get("history") or [] for path in files["checkpoints"]}
    trained = {member: history for member, history in histories.items() if history}
    return draw_learning_curves(trained or histories)


SPEC = FigureSpec(
    name="learning_curves",
    order=80,
    title="Learning curves",
    caption="Accuracy and loss after each epoch. The number of epochs differs between members.",
    alternative="Small line charts of training accuracy, validation accuracy and training loss, one for each member.",
    inputs=lambda study: {"checkpoints": [f"checkpoints/{member}.json" for member in study.members_trained_alone]},
    draw=draw,
    exists=lambda study: bool(study.members_trained_alone),
)
