"""To choose by diversity or by accuracy on the clean set: table and sentences of the report."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.report.labels import GAIN_TITLES, consensus_title, counted, in_words, listed, missing, quantity, signed
from scripts.lib.report.tables import Table, whole
from scripts.lib.statistics.names import ENSEMBLE_ACCURACY, MEMBER_ACCURACY

HEADER = ["Dataset", "Known on the clean set", "r", "95 % interval", "r − r of ensemble accuracy", "95 % interval"]
HEADER += ["Members", "Ensembles"]


def predictor_tables(predictors: pl.DataFrame, consensus: Sequence[str]) -> Iterator[Table]:
    """One table for each consensus and gain."""
    for way in consensus:
        for gain, title in GAIN_TITLES.items():
            rows = predictors.filter(consensus=way, gain=gain).to_dicts()
            yield Table(
                f"Correlation of what is known on the clean set with the {title}, {consensus_title(way)}",
                HEADER,
                [_cells(row) for row in rows],
                text_columns=2,
            )


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        in_words(row["dataset"]),
        quantity(row["predictor"]).title,
        signed(row["correlation"]),
        _between(row["low"], row["high"]),
        "–" if row["predictor"] == ENSEMBLE_ACCURACY else signed(row["over_accuracy"]),
        _between(row["over_accuracy_low"], row["over_accuracy_high"]),
        whole(row["members"]),
        whole(row["ensembles"]),
    ]


def _between(low: float | None, high: float | None) -> str:
    return "–" if missing(low) or missing(high) else f"{signed(low)} to {signed(high)}"


def on_predictors(predictors: pl.DataFrame, clean: str) -> Iterator[str]:
    """Whether to choose by diversity on the clean set or by accuracy there, as counts of intervals."""
    found = [_on_gain(predictors.filter(gain=gain), title, in_words(clean)) for gain, title in GAIN_TITLES.items()]
    if any(found):
        yield (
            f"Among ensembles of the same size, is it better to choose the most diverse one or the most accurate one "
            f"on {in_words(clean)}?"
        )
        yield from filter(None, found)
        yield (
            "These are 95 % intervals of the difference of the two correlations, which are not adjusted for their "
            "number; where r of diversity is negative, the more diverse ensembles gain less."
        )


def _on_gain(rows: pl.DataFrame, title: str, clean: str) -> str:
    compared = rows.filter(
        ~pl.col("predictor").is_in([ENSEMBLE_ACCURACY, MEMBER_ACCURACY]), pl.col("over_accuracy_low").is_not_null()
    )
    if compared.is_empty():
        return ""
    of_accuracy = rows.filter(predictor=ENSEMBLE_ACCURACY)["correlation"].drop_nulls()
    larger, smaller = (
        compared.filter(pl.col("over_accuracy_low") > 0),
        compared.filter(pl.col("over_accuracy_high") < 0),
    )
    undecided = len(compared) - len(larger) - len(smaller)
    accuracy = f" (to which accuracy on {clean} has r = {_range(of_accuracy)})" if len(of_accuracy) else ""
    return (
        f"For the {title}{accuracy}, of {counted(len(compared), 'combination')} of a measure and a set, r of diversity "
        f"is larger in {_cases(larger)}, smaller in {_cases(smaller)}, and undecided in {undecided or 'none'}."
    )


def _range(values: pl.Series) -> str:
    low, high = (signed(float(value)) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}, depending on the set"


def _cases(rows: pl.DataFrame) -> str:
    """How many, and of which measures."""
    names = [quantity(measure).inside_a_sentence for measure in rows["predictor"].unique(maintain_order=True)]
    return f"{len(rows)} ({listed(names)})" if names else "none"
