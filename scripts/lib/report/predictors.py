"""What, known on the clean set, foretells which ensembles gain under shift: table and sentences of the report."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.report.labels import GAINS, consensus_title, counted, in_words, listed, missing, quantity, signed
from scripts.lib.report.tables import Table, whole
from scripts.lib.statistics.predictors import ENSEMBLE_ACCURACY, MEMBER_ACCURACY

HEADER = ["Dataset", "Known on the clean set", "r", "95 % interval", "r − r of ensemble accuracy", "95 % interval"]
HEADER += ["Members", "Ensembles"]


def predictor_tables(predictors: pl.DataFrame, consensus: Sequence[str]) -> Iterator[Table]:
    """One table for each consensus and gain."""
    for way in consensus:
        for gain, title in GAINS.items():
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
    """Whether diversity on the clean set foretells gains better than accuracy there, as counts of intervals."""
    found = [_on_gain(predictors.filter(gain=gain), title) for gain, title in GAINS.items()]
    if any(found):
        yield (
            f"Whether diversity on {in_words(clean)} foretells better than accuracy there which ensembles of the same "
            f"size gain under shift: {'; '.join(filter(None, found))}. These intervals are not adjusted for their "
            "number."
        )


def _on_gain(rows: pl.DataFrame, title: str) -> str:
    compared = rows.filter(
        ~pl.col("predictor").is_in([ENSEMBLE_ACCURACY, MEMBER_ACCURACY]), pl.col("over_accuracy_low").is_not_null()
    )
    if compared.is_empty():
        return ""
    of_accuracy = rows.filter(predictor=ENSEMBLE_ACCURACY)["correlation"].drop_nulls()
    better = compared.filter(pl.col("over_accuracy_low") > 0)
    worse = compared.filter(pl.col("over_accuracy_high") < 0)
    accuracy = f" (r of accuracy is {_range(of_accuracy)})" if len(of_accuracy) else ""
    return (
        f"for the {title}{accuracy}, of {counted(len(compared), 'pair')} of a measure and a set, "
        f"diversity is the better predictor in {_cases(better)}, accuracy in {_cases(worse)}, and the 95 % interval of "
        f"the difference includes 0 in {len(compared) - len(better) - len(worse)}"
    )


def _range(values: pl.Series) -> str:
    low, high = (signed(float(value)) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}, depending on the set"


def _cases(rows: pl.DataFrame) -> str:
    """How many, and which measures if they are not all or none."""
    names = [quantity(measure).inside_a_sentence for measure in rows["predictor"].unique(maintain_order=True)]
    return f"{len(rows)} ({listed(names)})" if names else "none"
