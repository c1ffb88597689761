"""docs/images/statistics.png: what is said of simulated studies, and what intervals of effects cover."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import polars as pl

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.plot import FIGURES, STYLES
from scripts.lib.ensembles.intervals import wilson_interval
from tests.simulations.members import DISAGREEMENT, FAMILY, SKILL, UNRELATED

SAMPLES = 1000  # in the upper row
SAID = {
    "n_plain_p": "plain correlation: p < .05",
    "n_once_called": "plain: once called “significant”",
    "n_p": "effect: p < .05",
    "n_shown": "effect: reported as shown",
}


@dataclass(frozen=True)
class Line:
    """Numbers of studies out of `studies`, at values of the horizontal axis."""

    label: str
    at: Sequence[int]
    counts: Sequence[int]
    studies: Sequence[int]


def draw(table: pl.DataFrame) -> None:
    """`table` has the rows of averaging and disagreement, and of the diversity that is related to nothing."""
    figure, places = plt.subplots(2, 3, figsize=(7.2, 5.2), sharey="row", layout="constrained")
    families = table.filter(measure=DISAGREEMENT, truth=FAMILY.name)
    skill = table.filter(measure=DISAGREEMENT, truth=SKILL.name)
    upper = {
        "Diversity related to nothing": (table.filter(measure=UNRELATED), 5),
        "Members differ in nothing but skill": (skill, 5),
        "Families that err together": (families, None),
    }
    for axes, (title, (rows, nominal)) in zip(places[0], upper.items(), strict=True):
        rows = rows.filter(samples=SAMPLES).sort("members")
        at, studies = rows["members"].to_list(), rows["studies"].to_list()
        _panel(axes, title, [Line(said, at, rows[name].to_list(), studies) for name, said in SAID.items()], nominal)
        axes.set_xlabel(f"members ({_number(SAMPLES)} images)", fontsize=8)
    lower = {
        "Interval covers mean of such\nstudies: nothing but skill": (skill, "n_covers_mean"),
        "Interval covers mean of such\nstudies: families": (families, "n_covers_mean"),
        f"Interval covers mean with\n{_number(10_000)} images: families": (families, "n_covers_large"),
    }
    for axes, (title, (rows, column)) in zip(places[1], lower.items(), strict=True):
        _panel(axes, title, list(_by_members(rows, column)), 95)
        axes.set_xlabel("images", fontsize=8)
    for row, place in zip(places, ("upper left", "lower left"), strict=True):
        row[0].set_ylabel("% of studies", fontsize=8)
        row[0].legend(loc=place, fontsize=7, frameon=False, bbox_to_anchor=(0, 0.92 if place == "upper left" else 0))
    figure.savefig(FIGURES / "statistics.png", dpi=150)
    plt.close(figure)


def _by_members(rows: pl.DataFrame, column: str) -> list[Line]:
    """One line for each number of members, without points if there is no value, so that each keeps its colour."""
    lines = []
    for (members,), of_members in rows.group_by("members", maintain_order=True):
        sizes = of_members.filter(pl.col(column).is_not_null()).sort("samples")
        counts, studies = sizes[column].to_list(), sizes["n_intervals"].to_list()
        lines.append(Line(f"{members} members", sizes["samples"].to_list(), counts, studies))
    return lines


def _panel(axes: Axes, title: str, lines: Sequence[Line], nominal: float | None) -> None:
    """Shares in percent with their 95 % Wilson intervals, beside each other so that none hides another."""
    ticks = sorted({value for line in lines for value in line.at})
    for number, (line, (colour, marker)) in enumerate(zip(lines, STYLES, strict=False)):
        if not line.at:
            continue
        share = 100 * np.array(line.counts) / line.studies
        limits = [wilson_interval(np.array([k]), n) for k, n in zip(line.counts, line.studies, strict=True)]
        low, high = np.array(limits)[..., 0].T
        x = np.array([ticks.index(value) for value in line.at]) + 0.1 * (number - (len(lines) - 1) / 2)
        style = {"marker": marker, "markersize": 4, "color": colour, "linewidth": 1}
        lengths = np.array([share - low, high - share])
        axes.errorbar(x, share, lengths, label=line.label, elinewidth=0.8, **style)
    axes.set_xticks(range(len(ticks)), [_number(value) for value in ticks])
    axes.set_xlim(-0.4, len(ticks) - 0.6)
    axes.set_ylim(-4, 104)
    axes.tick_params(labelsize=7)
    axes.set_title(title, fontsize=8)
    axes.grid(axis="y", alpha=0.3)
    if nominal is not None:
        axes.axhline(nominal, color="#666666", linewidth=0.8, linestyle=":", zorder=0)


def _number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")
