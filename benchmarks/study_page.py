"""The tables of docs/studies/fashion-mnist/README.md: `python -m benchmarks.study_page results/fashion-mnist-full`.

Members beside the paper's (Figure A), plain correlations of each quantity with the improvement (the form of Figure B),
effects beyond accuracy and confidence, the paper's observations, and what the run cost.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from scipy.stats import spearmanr

from scripts.lib.jobs.amounts import duration
from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.storage import load_json
from scripts.lib.study.file import read_study
from scripts.lib.study.resolve import resolve

CONSENSUS, IMPROVEMENT, ALL_SIZES = "average", "over_mean", "all"


def markdown(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def paper_accuracies() -> dict[str, float]:
    """Top-1 accuracy of the members in the paper, in percent, by id."""
    members = resolve(read_study(ROOT / "config" / "paper.yaml"))["members"]
    return {m["id"]: m["expected_top1"] for m in members if m.get("expected_top1") is not None}


def member_table(results: Path, datasets: Sequence[str]) -> str:
    """Each member's cost and its accuracy on the clean set, and on average over the shifted sets."""
    accuracies = pl.concat([pl.read_parquet(results / f"accuracies/{dataset}.parquet") for dataset in datasets])
    paper, rows, both = paper_accuracies(), [], []
    for member in pl.read_parquet(results / "members.parquet").rows(named=True):
        own = accuracies.filter(member=member["member"])
        clean = own.filter(dataset=datasets[0]).row(0, named=True)
        shifted = own.filter(pl.col("dataset") != datasets[0])["accuracy"]
        top1 = paper.get(member["member"])
        if top1 is not None:
            both.append((clean["accuracy"], top1))
        rows.append(
            [
                member["member"],
                member["family"],
                f"{member['parameters'] / 1e6:.2f}",
                ACCURACY.of(clean),
                f"{shifted.mean():.1f}",
                "–" if top1 is None else f"{top1:.1f}",
                "–" if member["seconds"] is None else duration(member["seconds"]),
            ]
        )
    header = ["member", "family", "million parameters", "clean accuracy, %", "mean of the shifted sets, %"]
    rank = (
        spearmanr([own for own, _ in both], [other for _, other in both]).statistic if len(both) > 1 else float("nan")
    )
    table = markdown([*header, "in the paper (ImageNet), %", "own training"], rows)
    return f"{table}\n\nRank correlation with the paper's accuracies: {rank:.2f} ({len(both)} members)."


@dataclass(frozen=True)
class Cell:
    """The columns of a number and of its interval."""

    number: str
    low: str
    high: str
    digits: int = 2

    def of(self, row: dict[str, Any] | None) -> str:
        """The number with its interval, as far as they are known."""
        if row is None or row[self.number] is None:
            return "–"
        number, low, high = (row[key] for key in (self.number, self.low, self.high))
        interval = "" if low is None else f" ({self._said(low)} to {self._said(high)})"
        return f"{self._said(number)}{interval}"

    def _said(self, number: float) -> str:
        return f"{number:.{self.digits}f}".replace("-", "−")


ACCURACY = Cell("accuracy", "low", "high", digits=1)


def grid(table: pl.DataFrame, datasets: Sequence[str], cell: Cell) -> str:
    """One row per measure, one column per set."""
    rows = []
    for measure in table["measure"].unique(maintain_order=True):
        found = {row["dataset"]: row for row in table.filter(measure=measure).rows(named=True)}
        rows.append([measure, *(cell.of(found.get(dataset)) for dataset in datasets)])
    return markdown(["", *datasets], rows)


def verdict_table(results: Path) -> str:
    """The numbers that decide the paper's observations."""
    verdicts = pl.read_parquet(results / "verdicts.parquet").filter(pl.col("verdict").is_not_null())
    rows = [
        [
            row["observation"],
            row["statistic"],
            Cell("estimate", "low", "high").of(row),
            row["verdict"],
            row["reason"] or "",
        ]
        for row in verdicts.rows(named=True)
    ]
    return markdown(["observation", "number", "estimate (95 %)", "verdict", "reason"], rows)


def gain_table(results: Path, datasets: Sequence[str]) -> str:
    """What all ensembles gain on each set, and the member and the ensemble that were chosen on the clean set."""
    rows = []
    for dataset in datasets:
        ensembles = pl.read_parquet(results / f"ensembles/{dataset}.parquet").filter(consensus=CONSENSUS)
        judged = pl.read_parquet(results / f"held_out/{dataset}.parquet").filter(consensus=CONSENSUS)
        chosen = judged.filter(kind="chosen")
        recommended = chosen.filter(recommended=True)
        own = judged.filter(kind="own") if dataset != datasets[0] else recommended
        shown = [chosen.filter(size=1), recommended, own]
        rows.append(
            [
                dataset,
                f"{ensembles['improvement_over_mean'].mean():.1f}",
                f"{100 * (ensembles['improvement_over_best'] > 0).mean():.0f}",
                *(ACCURACY.of(found.row(0, named=True)) for found in shown),
                Cell("over_best_member", "over_best_low", "over_best_high", digits=1).of(
                    recommended.row(0, named=True)
                ),
            ]
        )
    header = ["set", "mean gain over the mean member, points", "ensembles above their best member, %"]
    chosen_on = ["member chosen on clean images, %", "ensemble chosen on clean images, %"]
    own_choice = "ensemble chosen on images of this set, %"
    return markdown([*header, *chosen_on, own_choice, "ensemble − member, both chosen on clean images, points"], rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    results = parser.parse_args().results
    provenance = load_json(results / "provenance.json")
    datasets = [dataset["id"] for dataset in load_json(results / "study.json")["datasets"]["validation"]]
    correlations = pl.read_parquet(results / "correlations.parquet").filter(
        consensus=CONSENSUS, improvement=IMPROVEMENT, size=ALL_SIZES
    )
    effects = pl.read_parquet(results / "effects.parquet").filter(consensus=CONSENSUS, outcome="accuracy")
    print(f"## Members\n\n{member_table(results, datasets)}\n")
    print(f"## Gain of ensembles\n\n{gain_table(results, datasets)}\n")
    plain = grid(correlations, datasets, Cell("pearson", "ci_low", "ci_high"))
    adjusted = grid(effects, datasets, Cell("per_sd", "both_low", "both_high"))
    print(f"## Pearson's r with the improvement over the mean member\n\n{plain}\n")
    print(f"## Effects, points per standard deviation\n\n{adjusted}\n")
    clean = pl.read_parquet(results / "effects_from_clean.parquet").filter(
        consensus=CONSENSUS, outcome="accuracy", measured_on=datasets[0], adjusted_on=datasets[0]
    )
    known = grid(clean, datasets[1:], Cell("per_sd", "both_low", "both_high"))
    print(f"## Effects of what is known on clean images, points per standard deviation\n\n{known}\n")
    print(f"## Observations\n\n{verdict_table(results)}\n")
    seconds = sorted(provenance["seconds"].items(), key=lambda item: -item[1])
    print(f"## Cost\n\n{duration(sum(s for _, s in seconds))} of jobs: ", end="")
    print(", ".join(f"{rule} {duration(s)}" for rule, s in seconds[:8]))


if __name__ == "__main__":
    main()
