"""The table and the sentence on what foretells gains under shift."""

from typing import Any

import polars as pl

from scripts.lib.report.predictors import on_predictors, predictor_tables
from scripts.lib.statistics.predictors import SCHEMA


def row(predictor: str, gain: str = "accuracy", **values: Any) -> dict[str, Any]:
    labels = {"dataset": "noise", "measured_on": "clean", "consensus": "average", "gain": gain, "predictor": predictor}
    numbers = dict.fromkeys(("correlation", "over_accuracy"), 0.0) | {"members": 7, "ensembles": 120}
    return dict.fromkeys(SCHEMA) | labels | numbers | values


def difference(value: float, half: float) -> dict[str, float]:
    return {"over_accuracy": value, "over_accuracy_low": value - half, "over_accuracy_high": value + half}


ROWS = [
    row("disagreement", correlation=0.9, low=0.8, high=0.95, **difference(0.4, 0.1)),
    row("js_divergence", correlation=-0.6, **difference(-1.1, 0.1)),
    row("cka_dissimilarity", correlation=0.5, **difference(0.0, 0.3)),
    row("mean_member_accuracy", correlation=0.4, **difference(-0.1, 0.01)),
    row("ensemble_accuracy", correlation=0.5, low=0.25, high=0.75),
]


def test_the_sentence_counts_measures_by_the_interval_of_the_difference() -> None:
    table = pl.DataFrame(ROWS, schema=SCHEMA)
    said = " ".join(on_predictors(table, "clean"))
    assert "(to which accuracy on Clean has r = +0.50)" in said
    assert "of 3 combinations of a measure and a set" in said, "the accuracy of the members is not a diversity"
    assert "r of diversity is larger in 1 (prediction disagreement), smaller in 1 (Jensen-Shannon divergence)" in said
    assert said.count("undecided in 1") == 1, "the table has no row for the improvement over the mean"


def test_counts_of_none_are_words() -> None:
    table = pl.DataFrame([ROWS[0], ROWS[-1]], schema=SCHEMA)
    assert "smaller in none, and undecided in none." in " ".join(on_predictors(table, "clean"))


def test_there_is_no_sentence_without_intervals() -> None:
    table = pl.DataFrame([row("disagreement"), row("ensemble_accuracy")], schema=SCHEMA)
    assert list(on_predictors(table, "clean")) == []


def test_the_table_has_every_predictor_and_no_difference_of_accuracy_to_itself() -> None:
    tables = list(predictor_tables(pl.DataFrame(ROWS, schema=SCHEMA), ["average"]))
    assert [len(table.rows) for table in tables] == [5, 0]
    assert tables[0].rows[0][2:6] == ["+0.90", "+0.80 to +0.95", "+0.40", "+0.30 to +0.50"]
    assert tables[0].rows[-1][2:6] == ["+0.50", "+0.25 to +0.75", "–", "–"]
