"""What ways to choose an ensemble are worth: on clean images and under shift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scripts.lib.ensembles.consensus.spec import averaging
from scripts.lib.report.figure import FigureSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(files: Mapping[str, Sequence[str]]) -> Figure:
    import polars as pl

    from scripts.lib.choices.names import ALL, SINGLE
    from scripts.lib.jobs.storage import load_table
    from scripts.lib.report.choices import KEYS, choice_name, shown_choices
    from scripts.lib.report.drawings.choices import draw_choices

    table = shown_choices(*(load_table(files[name][0]) for name in ("choices", "held_out")))
    # All members are the same ensemble by every metric.
    table = table.filter((pl.col("way") != ALL) | (pl.col("metric") == table["metric"][0]))
    # What is 0 by construction is not drawn: the same way chooses all members everywhere, and one member is one member.
    table = table.with_columns(
        over_single=pl.when(pl.col("way") != SINGLE).then("over_single"),
        regret=pl.when(pl.col("way") != ALL).then("regret"),
    )
    clean = table["dataset"][0]
    names = [choice_name(row, clean) for row in table.filter(dataset=clean).to_dicts()]
    return draw_choices(table, names, KEYS)


SPEC = FigureSpec(
    name="choices",
    order=32,
    title="What are ways to choose an ensemble worth?",
    caption="Each row is a way to choose weights for the average of the members' probabilities, and the metric by "
    "which it chooses, on the selection split of the clean set unless it says otherwise; of the best "
    "ensembles of each size, the one of the size that was best there. To the right of the line, the choice is "
    "more accurate on the evaluation split than the best single member that costs no more than all of its "
    "members together. Regret is what the same way, used on the selection split of the set itself, would be "
    "better by (for the best ensembles: among those of the same size); it needs labelled images of the shift. "
    "Intervals are paired and over images; they are not "
    "adjusted for their number.",
    alternative="Dot plot of the accuracy of each choice less that of a single member of the same cost, and of its "
    "regret, on each validation set. The numbers are in the tables of ways to choose.",
    inputs=lambda study: {"choices": ["choices.parquet"], "held_out": ["choices_held_out.parquet"]},
    draw=draw,
    exists=lambda study: bool(averaging(study.consensus)),
)
