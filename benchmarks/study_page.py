"""The tables of a published study's page: `python -m benchmarks.study_page results/fashion-mnist-full PAGE`.

Members beside the paper's (Figure A), plain correlations of each quantity with the improvement (the form of Figure B),
effects beyond accuracy and confidence, and the gain of ensembles replace the tables below the page's lines
`<!-- table: members -->`, `correlations`, `effects`, `effects_from_clean` and `gain`. All but the last come from the
folder `csv` beside the page. The paper's observations and what the run cost are printed. `benchmarks.study_facts` has
the numbers in the text.
"""

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from scipy.stats import spearmanr

from benchmarks.study_facts import AVERAGE, PublishedTables
from scripts.lib.jobs.amounts import duration
from scripts.lib.jobs.paths import ROOT
from scripts.lib.jobs.storage import load_json
from scripts.lib.report.labels import quantity
from scripts.lib.study.file import read_study
from scripts.lib.study.resolve import resolve


def markdown(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def paper_accuracies() -> dict[str, float]:
    """Top-1 accuracy of the members in the paper, in percent, by id."""
    members = resolve(read_study(ROOT / "config" / "paper.yaml"))["members"]
    return {m["id"]: m["expected_top1"] for m in members if m.get("expected_top1") is not None}


def member_table(published: PublishedTables) -> str:
    """Each member's cost and its accuracy on the clean set, and on average over the shifted sets."""
    accuracies, paper, rows = published.accuracies, paper_accuracies(), []
    for member in published.table("members").rows(named=True):
        own = accuracies.filter(member=member["member"])
        shifted = own.filter(pl.col("dataset") != published.clean)["accuracy"]
        top1 = paper.get(member["member"])
        rows.append(
            [
                member["member"],
                member["family"],
                f"{member['parameters'] / 1e6:.2f}",
                ACCURACY.of(own.row(by_predicate=pl.col("dataset") == published.clean, named=True)),
                f"{shifted.mean():.1f}",
                "–" if top1 is None else f"{top1:.1f}",
                "–" if member["seconds"] is None else duration(member["seconds"]),
            ]
        )
    header = ["member", "family", "million parameters", "clean accuracy, %", "mean of the shifted sets, %"]
    return markdown([*header, "in the paper (ImageNet), %", "own training"], rows)


def rank_in_paper(published: PublishedTables) -> str:
    """The rank correlation of clean accuracies with those in the paper, and the number of members."""
    own = dict(published.accuracies.filter(dataset=published.clean).select("member", "accuracy").rows())
    paper = {member: top1 for member, top1 in paper_accuracies().items() if member in own}
    rank = spearmanr([own[member] for member in paper], list(paper.values())).statistic
    return f"{rank:.2f} ({len(paper)} members)"


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
        rows.append([quantity(measure).title, *(cell.of(found.get(dataset)) for dataset in datasets)])
    return markdown(["", *datasets], rows)


def verdict_table(published: PublishedTables) -> str:
    """The numbers that decide the paper's observations."""
    verdicts = published.table("verdicts").filter(pl.col("verdict").is_not_null())
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


def gain_table(results: Path, published: PublishedTables) -> str:
    """What all ensembles gain on each set, and the member and the ensemble that were chosen on the clean set."""
    rows = []
    for dataset in published.datasets:
        ensembles = pl.read_parquet(results / f"ensembles/{dataset}.parquet").filter(AVERAGE)
        judged = pl.read_parquet(results / f"held_out/{dataset}.parquet").filter(AVERAGE)
        chosen = judged.filter(kind="chosen")
        recommended = chosen.filter(recommended=True)
        own = judged.filter(kind="own") if dataset != published.clean else recommended
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


def with_tables(page: str, tables: Mapping[str, str]) -> str:
    """The page with its tables replaced, each of which follows the line `<!-- table: name -->` and an empty line.

    Raises ValueError if a table has no place on the page.
    """
    for name, table in tables.items():
        place = re.compile(rf"(?<=^<!-- table: {name} -->\n\n)(?:\|.*\n)+", re.MULTILINE)
        page, found = place.subn(lambda _, table=table: f"{table}\n", page)  # type: ignore[misc]
        if found != 1:
            raise ValueError(f"{found} tables follow lines `<!-- table: {name} -->`, but there must be one")
    return page


def published_tables(published: PublishedTables) -> dict[str, str]:
    """The tables that the published ones contain, by their names on the page."""
    datasets = published.datasets
    effect = Cell("per_sd", "both_low", "both_high")
    return {
        "members": member_table(published),
        "correlations": grid(published.correlations, datasets, Cell("pearson", "ci_low", "ci_high")),
        "effects": grid(published.effects.filter(outcome="accuracy"), datasets, effect),
        "effects_from_clean": grid(published.effects_from_clean, datasets[1:], effect),
    }


def main() -> None:
    """Replace the tables of the page; print what the text needs besides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("page", type=Path)
    arguments = parser.parse_args()
    results, page = arguments.results, arguments.page
    published = PublishedTables(page.parent / "csv")
    tables = published_tables(published) | {"gain": gain_table(results, published)}
    page.write_text(with_tables(page.read_text("utf-8"), tables), "utf-8")
    print(f"## Observations\n\n{verdict_table(published)}\n")
    print(f"Rank correlation with the paper's accuracies: {rank_in_paper(published)}.\n")
    seconds = sorted(load_json(results / "provenance.json")["seconds"].items(), key=lambda item: -item[1])
    print(f"{duration(sum(s for _, s in seconds))} of jobs: ", end="")
    print(", ".join(f"{rule} {duration(s)}" for rule, s in seconds[:8]))


if __name__ == "__main__":
    main()
