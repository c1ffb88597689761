"""What the study says of the paper's observations, as a section of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from scripts.lib.observations.claims import (
    IN_DIVERSITY,
    OBSERVATIONS,
    OVER_ENSEMBLE_ONLY,
    OVER_INDEPENDENT,
    Observation,
)
from scripts.lib.report.labels import counted, in_words, missing, plain, probability, signed
from scripts.lib.report.tables import Table

STATISTICS = {
    "omega_squared_difference": "difference in ω²",
    "omega_squared_family": "ω² of the architecture family",
    "omega_squared_size": "ω² of the size",
    "omega_squared_accuracy": "ω² of the clean accuracy",
    "points_from_one_family_to_all_different": "difference in effective robustness (points)",
    "difference_of_fisher_z": "difference on Fisher's z",
    "correlation_of_attribution_diversity": "correlation of attribution diversity",
    "correlation_of_prediction_disagreement": "correlation of prediction disagreement",
    OVER_INDEPENDENT: "gain over independent members (points)",
    OVER_ENSEMBLE_ONLY: "gain over a loss of the ensemble only (points)",
    **{name: f"difference in diversity of {axis}" for axis, name in IN_DIVERSITY.items()},
}


@dataclass(frozen=True)
class VerdictText:
    """An observation with its verdict; `numbers` is a sentence, and `table` has every number, if there are several."""

    number: str
    claim: str
    verdict: str
    numbers: str
    statistic: str
    rule: str
    table: Table | None


def verdict_texts(table: pl.DataFrame) -> list[VerdictText]:
    """One for each observation, in the order of the paper; `table` is `verdicts.parquet`."""
    return [_text(observation, table.filter(observation=observation.number)) for observation in OBSERVATIONS]


def _text(observation: Observation, rows: pl.DataFrame) -> VerdictText:
    [deciding] = rows.filter(pl.col("verdict").is_not_null()).iter_rows(named=True)
    several = len(rows) > 1
    return VerdictText(
        observation.number,
        observation.claim,
        deciding["verdict"],
        _numbers(deciding),
        observation.statistic,
        observation.rule,
        _table(observation, list(rows.iter_rows(named=True))) if several else None,
    )


def _numbers(row: Mapping[str, Any]) -> str:
    if missing(row["estimate"]):
        return f"It could not be computed: {row['reason']}."
    text = f"The {STATISTICS[row['statistic']]} is {signed(row['estimate'])}"
    if not missing(row["low"]):
        text += f", 95 % interval {plain(row['low'])} to {plain(row['high'])}"
    if not missing(row["p_value"]):
        text += f" (families by permutation: {probability('p', row['p_value'])})"
    reason = f" {row['reason'][0].upper()}{row['reason'][1:]}." if row["reason"] else ""
    seeds = f" with {counted(row['seeds'], 'seed')}" if row["seeds"] else ""
    return f"{text}, from {counted(row['members'], 'member')}{seeds}.{reason}"


def _table(observation: Observation, rows: Sequence[Mapping[str, Any]]) -> Table:
    cells = [
        [
            STATISTICS[row["statistic"]],
            in_words(row["dataset"]) if row["dataset"] else observation.over,
            signed(row["estimate"]),
            plain(row["low"]),
            plain(row["high"]),
        ]
        for row in rows
    ]
    header = ["Number", "Validation set", "Estimate", "95 % low", "95 % high"]
    return Table(f"Observation {observation.number}: all numbers", header, cells, text_columns=2)
