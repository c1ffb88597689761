"""Time against each size: one figure per CSV in results/, one line per peer, both axes logarithmic."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import polars as pl

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

RESULTS = Path(__file__).parent / "results"
FIGURES = Path(__file__).parents[1] / "docs" / "images"
SIZES = ("members", "samples", "classes", "pixels", "features")
# Okabe & Ito's colours, each with a marker: distinct in greyscale and with colour blindness.
STYLES = [("#0072b2", "o"), ("#e69f00", "s"), ("#009e73", "^"), ("#d55e00", "D"), ("#cc79a7", "v"), ("#56b4e9", "P")]


def main() -> None:
    for path in sorted(RESULTS.glob("*.csv")):
        if path.stem in ("study", "statistics"):  # see the benchmarks of these names
            continue
        table = pl.read_csv(path).filter(~pl.col("implementation").str.starts_with("ceiling"))
        if "ensembles" in table.columns:  # lists of ensembles are other work than all subsets
            table = table.filter(pl.col("members") <= 20)
        sizes = [name for name in SIZES if name in table.columns]
        figure, panels = plt.subplots(1, len(sizes), figsize=(2.6 * len(sizes), 3.1), sharey=True, layout="constrained")
        styles = dict(zip(table["implementation"].unique(maintain_order=True), STYLES, strict=False))
        for axes, size in zip(panels, sizes, strict=True):
            draw(axes, along(table, size, [other for other in sizes if other != size]), size, styles)
        panels[0].set_ylabel("seconds")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=7, frameon=False)
        figure.suptitle(f"{path.stem}, on {table['device'][0]}", fontsize=9)
        figure.savefig(FIGURES / f"benchmark_{path.stem}.png", dpi=150)
        plt.close(figure)


def along(table: pl.DataFrame, size: str, others: list[str]) -> pl.DataFrame:
    """The rows that differ in one size only; of all such groups the one with the most points."""
    groups = [group for _, group in table.group_by(others, maintain_order=True)]
    return max(groups, key=lambda group: group[size].n_unique()).sort(size)


def draw(axes: Axes, table: pl.DataFrame, size: str, styles: dict[str, tuple[str, str]]) -> None:
    for name, (colour, marker) in styles.items():
        line = table.filter(pl.col("implementation") == name)
        width = 2.2 if name == "ours" else 1.0
        axes.plot(line[size], line["median_s"], marker=marker, markersize=4, color=colour, linewidth=width, label=name)
        axes.fill_between(line[size], line["fastest_s"], line["slowest_s"], color=colour, alpha=0.15, linewidth=0)
    fixed = ", ".join(f"{table[name][0]} {name}" for name in SIZES if name in table.columns and name != size)
    axes.set(xscale="log", yscale="log", xlabel=size)
    values = table[size].unique().to_list()
    axes.set_xticks(values, [str(value) for value in values], fontsize=7)
    axes.minorticks_off()
    axes.set_title(fixed, fontsize=7)
    axes.grid(alpha=0.3)


def draw_stages(panels: Sequence[tuple[str, str, pl.DataFrame]], stages: Sequence[str], ours: str) -> None:
    """How the stages of whole studies grow; a panel has a title, the size along its axis, and a table."""
    figure, places = plt.subplots(1, len(panels), figsize=(3.1 * len(panels), 3.6), sharey=True, layout="constrained")
    for axes, (title, size, table) in zip(places, panels, strict=True):
        styles = [*STYLES, ("#882255", "X"), ("#999999", "x"), ("black", "*")]
        for stage, (colour, marker) in zip(stages, styles, strict=True):
            line = table.filter(stage=stage, implementation=ours).sort(size)
            style = {"marker": marker, "markersize": 4, "color": colour, "linewidth": 2.2 if stage == "total" else 1.2}
            axes.plot(line[size], line["seconds"], label=stage, **style)
        values = sorted(set(table[size]))
        axes.set(xscale="log", yscale="log", title=title)
        axes.set_xticks(values, [f"{value:,}" for value in values], fontsize=7)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    places[0].set_ylabel("seconds of all jobs (total: of the run)")
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    figure.savefig(FIGURES / "study_stages.png", dpi=150)


if __name__ == "__main__":
    main()
