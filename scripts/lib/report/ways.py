"""The section on members that were trained together: tables of each way of training, and what they say in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from scripts.lib.ensembles.group_quantities import (
    ENSEMBLE_ACCURACY,
    HELD_OUT,
    MEMBER_ACCURACY,
    PENALTY,
    SHIFTED,
    TRAINING,
    ensemble_accuracy,
)
from scripts.lib.jobs.storage import load_json, load_table
from scripts.lib.report.labels import consensus_title, counted, in_words, listed, missing, plain, quantity
from scripts.lib.report.tables import Table

Row = Mapping[str, Any]


@dataclass(frozen=True)
class WaysSection:
    """Sentences and tables of the report."""

    sentences: Sequence[str]
    tables: Sequence[Table]


def ways_section(folder: Path, study: Mapping[str, Any]) -> WaysSection | None:
    """From `ways.parquet` and the records of the groups; None for a study without groups."""
    if not study["groups"]:
        return None
    table, consensus = load_table(folder / "ways.parquet"), study["ensembles"]["consensus"][0]
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    shown = [datasets[0], *([SHIFTED] if len(datasets) > 1 else []), *datasets[1:]]
    records = [load_json(folder / "groups" / f"{group['id']}.json") for group in study["groups"]]
    sentences = [*_on_accuracy(table, consensus, shown[:2]), *_on_collapses(records)]
    return WaysSection(sentences, [*(_table(table, dataset) for dataset in shown), _penalties(table)])


def with_interval(row: Row, digits: int, factor: float = 1.0) -> str:
    """`81.2 (80.1–82.3)`, or the mean alone if there is no interval."""
    if missing(row["mean"]):
        return "–"
    mean = plain(row["mean"] * factor, digits)
    if missing(row["low"]):
        return mean
    return f"{mean} ({plain(row['low'] * factor, digits)}–{plain(row['high'] * factor, digits)})"


def _on_accuracy(table: pl.DataFrame, consensus: str, datasets: Sequence[str]) -> list[str]:
    """For the clean and the shifted images: the way whose ensembles are most accurate, and what its members are."""
    sentences = []
    for dataset in datasets:
        of_set = table.filter(dataset=dataset)
        accuracies = of_set.filter(pl.col("mean").is_not_null(), quantity=ensemble_accuracy(consensus))
        ensembles = accuracies.sort("mean", descending=True)
        best = ensembles.row(0, named=True)
        members = of_set.filter(quantity=MEMBER_ACCURACY, way=best["way"], loss=best["loss"]).row(0, named=True)
        where = f"on the set {in_words(dataset)}" if dataset != SHIFTED else "on average over the shifted sets"
        sentence = (
            f"Of {counted(len(ensembles), 'way')} of training, {_named(best)} has the most accurate ensembles {where} "
            f"({consensus_title(consensus)}): {with_interval(best, 1)} %, with members of {with_interval(members, 1)} "
            f"% (95 % intervals over {counted(best['seeds'], 'seed')})."
        )
        sentences.append(sentence)
        sentences += _next(ensembles, best)
    return sentences


def _next(ensembles: pl.DataFrame, best: Row) -> list[str]:
    """That intervals overlap, so that the first place may be chance."""
    if missing(best["low"]):
        return ["With one seed per way, chance cannot be told from an effect."]
    within = [row for row in ensembles.iter_rows(named=True) if not missing(row["high"]) and row["high"] >= best["low"]]
    if len(within) < 2:
        return []
    return [
        f"The intervals of {counted(len(within) - 1, 'other way')} overlap with its interval, so its first place may "
        "be due to chance, and the best of many is overestimated. Differences paired by seed, as the verdicts use "
        "them, are more precise."
    ]


def _on_collapses(records: Sequence[Mapping[str, Any]]) -> list[str]:
    found: dict[str, list[str]] = {}
    for record in records:
        if record["collapse"]:
            found.setdefault(record["collapse"], []).append(record["group"]["id"])
    return [
        f"In {counted(len(groups), 'group')} ({listed(groups)}), {remark} after the training. Smaller weights, a "
        "longer `ramp_epochs` or another learning rate may prevent this."
        for remark, groups in found.items()
    ]


def _named(row: Row) -> str:
    return f"{row['way']} ({row['loss']})" if row["loss"] else str(row["way"])


def _table(table: pl.DataFrame, dataset: str) -> Table:
    of_set = table.filter(dataset=dataset)
    quantities = of_set["quantity"].unique(maintain_order=True).to_list()
    rows = [
        [way, loss or "independent", *(_cell(part, name) for name in quantities), str(part["seeds"].max())]
        for (way, loss), part in of_set.group_by(["way", "loss"], maintain_order=True)
    ]
    title = in_words(dataset)
    header = ["Way", "Loss", *map(_title, quantities), "Seeds"]
    return Table(f"How diversity is made: {title} (mean and 95 % interval over seeds)", header, rows, text_columns=2)


def _cell(part: pl.DataFrame, name: str) -> str:
    found = part.filter(quantity=name)
    if not len(found):
        return "–"
    is_accuracy = name == MEMBER_ACCURACY or name.startswith(ENSEMBLE_ACCURACY)
    digits, factor = (1, 1.0) if is_accuracy else (3, quantity(name).factor)
    return with_interval(found.row(0, named=True), digits if factor == 1 else 1, factor)


def _title(name: str) -> str:
    if name == MEMBER_ACCURACY:
        return "Members' accuracy (%)"
    if name.startswith(ENSEMBLE_ACCURACY):
        return f"Ensemble, {consensus_title(name.removeprefix(ENSEMBLE_ACCURACY + '_'))} (%)"
    return quantity(name).label


def _penalties(table: pl.DataFrame) -> Table:
    """Every term of a loss on training images and on held-out ones."""
    found = table.filter(pl.col("quantity").str.starts_with(PENALTY))
    columns = [
        (name, where) for name in found["quantity"].unique(maintain_order=True) for where in (TRAINING, HELD_OUT)
    ]
    rows = [
        [
            way,
            loss or "independent",
            *(
                with_interval(part.filter(quantity=name, dataset=where).row(0, named=True), 3)
                for name, where in columns
            ),
        ]
        for (way, loss), part in found.group_by(["way", "loss"], maintain_order=True)
    ]
    header = ["Way", "Loss", *(f"{name.removeprefix(PENALTY + '_')}, {where}" for name, where in columns)]
    caption = (
        "Terms of the losses after the training (smaller, or more negative: more different), with 95 % intervals over "
        "seeds; on up to 500 training and 500 held-out images (attribution: 100), without augmentation"
    )
    return Table(caption, header, rows, text_columns=2)
