"""The report's tables of ensembles: the best ones, effects of diversity, and what correlates with improvement."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.report.labels import (
    LIMIT,
    OUTCOMES,
    consensus_title,
    improvement_title,
    in_words,
    missing,
    plain,
    probability,
    quantity,
    signed,
)
from scripts.lib.report.tables import Table, whole

BEST_ENSEMBLES = 3


def best_ensembles(tables: Mapping[str, pl.DataFrame], members: Sequence[str]) -> Iterable[Table]:
    """The most accurate ensembles of each dataset, of different sizes; of equal ones, the smaller first."""
    header = ["Dataset", "Members", "Size", "Accuracy (%)", "Over mean member", "Over its best member", "Found by"]
    for way in sorted({name for table in tables.values() for name in table["consensus"]}):
        rows = []
        for dataset, table in tables.items():
            chosen = table.filter(pl.col("size") > 1, consensus=way)
            best = chosen.sort("accuracy", "size", descending=[True, False], maintain_order=True).head(BEST_ENSEMBLES)
            rows += [[in_words(dataset), *_ensemble(row, members)] for row in best.iter_rows(named=True)]
        caption = f"Best ensembles of different sizes, {consensus_title(way)} (improvements in percentage points)"
        yield Table(caption, header, rows, text_columns=2)


FOUND = {"all": "all ensembles", "sampled": "a random sample", "greedy": "greedy selection"}


def _ensemble(row: Mapping[str, Any], members: Sequence[str]) -> list[str]:
    names = ", ".join(members[position] for position in row["members"])
    gains = [signed(row["accuracy"] - row[f"{what}_member_accuracy"], 1) for what in ("mean", "best")]
    return [names, str(row["size"]), plain(row["accuracy"], 1), *gains, FOUND[row["found"]]]


INTERVALS = ("95 % over members", "95 % over images", "95 % over both")
EFFECT_COLUMNS = (*INTERVALS, "Partial r", "95 % of r over members", "p", "q", "Ensembles")


def effect_tables(effects: pl.DataFrame) -> Iterable[Table]:
    """The effects of all measures, with their 95 % intervals: one table for each outcome and consensus."""
    for (name, way), table in effects.group_by("outcome", "consensus", maintain_order=True):
        outcome = OUTCOMES[str(name)]
        unit = f"{outcome.unit[:1].upper()}{outcome.unit[1:]} per SD"
        header = ["Dataset", "Measure", unit, *EFFECT_COLUMNS]
        rows = [_effect(row, outcome.digits) for row in table.iter_rows(named=True)]
        caption = f"Effects on {outcome.title} with 95 % intervals, ensembles by {consensus_title(str(way))}"
        yield Table(caption, header, rows, text_columns=2)


def difference_tables(differences: pl.DataFrame) -> Iterable[Table]:
    """Differences between the effects of two measures whose q is below the limit, for each outcome and consensus."""
    header = ["Dataset", "Measure", "Other measure", "Difference", "95 % interval", "p", "q"]
    for (name, way), table in differences.group_by("outcome", "consensus", maintain_order=True):
        outcome, known = OUTCOMES[str(name)], table.drop_nulls("q_value")
        if known.is_empty():
            continue
        shown = known.filter(pl.col("q_value") < LIMIT)
        caption = (
            f"Differences between effects on {outcome.title} ({outcome.unit} per SD), ensembles by "
            f"{consensus_title(str(way))}: {len(shown)} of {len(known)} have q < {LIMIT}"
        )
        rows = [_difference(row, outcome.digits) for row in shown.iter_rows(named=True)]
        yield Table(caption, header, rows, text_columns=3)


def _difference(row: Mapping[str, Any], digits: int) -> list[str]:
    return [
        in_words(row["dataset"]),
        *(quantity(row[name]).title for name in ("measure", "other")),
        signed(row["difference"], digits),
        _limits(row["low"], row["high"], digits),
        *(_p_or_q(row[column]) for column in ("p_value", "q_value")),
    ]


def effect_tables_from_clean(effects: pl.DataFrame) -> Iterable[Table]:
    """The effects of the diversity on the clean set: one table for each consensus and question."""
    if effects.is_empty():
        return
    clean, on_clean = in_words(effects["measured_on"][0]), pl.col("adjusted_on") == pl.col("measured_on")
    for where, question in (("under the shift", effects.filter(~on_clean)), (f"on {clean}", effects.filter(on_clean))):
        for table in effect_tables(question):
            caption = (
                f"{table.caption}: diversity measured on {clean}, members' accuracy and confidence {where} held fixed"
            )
            yield Table(caption, table.header, table.rows, table.text_columns)


def _effect(row: Mapping[str, Any], digits: int) -> list[str]:
    return [
        in_words(row["dataset"]),
        quantity(row["measure"]).title,
        signed(row["per_sd"], digits),
        *(_limits(row[f"{over}_low"], row[f"{over}_high"], digits) for over in ("per_sd", "images", "both")),
        signed(row["partial"]),
        _limits(row["low"], row["high"]),
        *(_p_or_q(row[column]) for column in ("p_value", "q_value")),
        whole(row["ensembles"]),
    ]


def _limits(low: float | None, high: float | None, digits: int = 2) -> str:
    return "–" if missing(low) or missing(high) else f"{plain(low, digits)} to {plain(high, digits)}"


def correlation_tables(correlations: pl.DataFrame) -> Iterable[Table]:
    """All correlations over all sizes: one table for each consensus and improvement."""
    header = ["Dataset", "Measure", "Pearson r", "95 % interval", "Partial r", "p", "q", "Spearman ρ", "Ensembles"]
    whole = correlations.filter(size="all")
    for (way, improvement), table in whole.group_by("consensus", "improvement", maintain_order=True):
        rows = [_correlation(row) for row in table.iter_rows(named=True)]
        caption = f"{improvement_title(str(improvement))}, ensembles by {consensus_title(str(way))}"
        yield Table(caption, header, rows, text_columns=2)


def _correlation(row: Mapping[str, Any]) -> list[str]:
    return [
        in_words(row["dataset"]),
        quantity(row["measure"]).title,
        signed(row["pearson"]),
        _limits(row["ci_low"], row["ci_high"]),
        signed(row["partial_pearson"]),
        *(_p_or_q(row[column]) for column in ("p_value", "q_value")),
        signed(row["spearman"]),
        whole(row["ensembles"]),
    ]


def _p_or_q(value: float | None) -> str:
    return "–" if value is None or missing(value) else probability("", value).removeprefix(" = ").strip()
