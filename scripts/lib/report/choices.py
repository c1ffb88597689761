"""The report's tables of choices: weights, other metrics and budgets, made on the clean set and judged everywhere."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from scripts.lib.choices.names import ALL, BEST, BUDGET, GREEDY, SINGLE, STACKING
from scripts.lib.jobs.storage import load_table
from scripts.lib.report.labels import counted, in_words, missing, plain, signed
from scripts.lib.report.tables import Table

WAYS = {
    SINGLE: "best single member",
    ALL: "all members",
    BEST: "best with equal weights",
    GREEDY: "greedy weights",
    STACKING: "stacking",
    BUDGET: "best within the budget",
}
METRICS = {"accuracy": "accuracy", "nll": "NLL", "brier": "Brier score"}
SCALED = {"average": "", "calibrated": ", calibrated"}
KEYS = ["chosen_on", "way", "metric", "consensus", "size"]  # which choice a row is about


def choice_name(row: Mapping[str, Any], clean: str) -> str:
    """A way to choose in words, with its metric, and where it chooses if that is not the clean set alone."""
    way = WAYS.get(row["way"], in_words(row["way"])) + SCALED.get(row["consensus"], f", {row['consensus']}")
    metric = "" if row["way"] == ALL else f", by {METRICS.get(row['metric'], row['metric'])}"
    where = "" if row["chosen_on"] == clean else f", by the {row['chosen_on']} of all sets"
    return f"{way[:1].upper()}{way[1:]}{metric}{where}"


def choices_tables(folder: Path) -> Iterator[Table]:
    """One table per validation set; nothing for a study that does not average probabilities."""
    path = folder / "choices_held_out.parquet"
    if not path.exists():
        return
    scores = load_table(folder / "choices.parquet")
    held_out = load_table(path)
    shown = shown_choices(scores, held_out)
    for dataset in held_out["dataset"].unique(maintain_order=True):
        yield _table(dataset, shown.filter(dataset=dataset).to_dicts())


def shown_choices(choices: pl.DataFrame, held_out: pl.DataFrame) -> pl.DataFrame:
    """Rows of `held_out`: of the best ensembles of each size, the one of the size that was best where it was chosen."""
    loss = pl.when(pl.col("metric") == "accuracy").then(-pl.col("score")).otherwise(pl.col("score"))
    ordered = choices.with_columns(loss=loss).sort("loss", "size", maintain_order=True)
    kept = ordered.unique(["chosen_on", "way", "metric", "consensus"], keep="first", maintain_order=True).select(KEYS)
    return held_out.join(kept, on=KEYS, how="semi", maintain_order="left")


def _table(dataset: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    header = ["Choice", "By", "On", "Members", "Held-out accuracy (%)", "95 % interval", "NLL (nats)"]
    header += ["Over one member of the same cost (points)", "95 % interval"]
    shifted = not all(missing(row["regret"]) for row in rows)
    header += ["Regret (points)", "95 % interval", "Regret of NLL (nats)"] if shifted else []
    caption = (
        f"Ways to choose, on the evaluation split of {in_words(dataset)}: weights for the average of the members' "
        "probabilities, chosen on the selection split of the set in the third column. “mean” and “worst” are over all "
        "validation sets."
    )
    if shifted:
        caption += " Regret: what the same way (“best”: of the same size) would be better by, had it chosen here."
    return Table(caption, header, [list(_cells(row, shifted)) for row in rows], text_columns=3)


def _cells(row: Mapping[str, Any], shifted: bool) -> Iterator[str]:
    yield WAYS.get(row["way"], in_words(row["way"])) + SCALED.get(row["consensus"], f", {row['consensus']}")
    yield METRICS.get(row["metric"], row["metric"])
    yield in_words(row["chosen_on"])
    yield str(row["size"])
    yield plain(row["accuracy"], 1)
    yield f"{plain(row['low'], 1)}–{plain(row['high'], 1)}"
    yield plain(row["nll"], 3)
    yield signed(row["over_single"], 1)
    yield _interval(row, "over_single", 1)
    if shifted:
        yield signed(row["regret"], 1)
        yield _interval(row, "regret", 1)
        yield signed(row["nll_regret"], 3)


def _interval(row: Mapping[str, Any], name: str, digits: int) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "–" if missing(low) else f"{signed(low, digits)} to {signed(high, digits)}"


def sentence_on_choices(folder: Path) -> Iterator[str]:
    """Whether choosing on clean images was enough under shift, as counts of intervals; without a claim beyond these."""
    path = folder / "choices_held_out.parquet"
    if not path.exists():
        return
    held_out = load_table(path)
    clean = held_out["dataset"][0]
    judged = shown_choices(load_table(folder / "choices.parquet"), held_out).filter(
        pl.col("dataset") != clean, pl.col("chosen_on") == clean, ~pl.col("way").is_in([SINGLE, ALL])
    )
    if judged.is_empty():
        return
    better, worse = judged["over_single_low"] > 0, judged["over_single_high"] < 0
    regretted = judged["regret_low"] > 0
    yield (
        f"Of {counted(len(judged), 'combination')} of a way to choose on {in_words(clean)} and a shifted set, the "
        f"choice was more accurate than the best single member of at most the same cost in {int(better.sum())} and "
        f"less accurate in {int(worse.sum())}, and a choice in the same way on the shifted set itself was more "
        f"accurate in {int(regretted.sum())} (the 95 % intervals exclude 0; each combination is counted on its own)."
    )
