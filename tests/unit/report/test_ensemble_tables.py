"""The tables of ensembles."""

import polars as pl

from scripts.lib.report.ensemble_tables import correlation_tables, difference_tables, effect_tables
from scripts.lib.report.findings import Tables
from scripts.lib.report.labels import signed


def test_the_table_of_correlations_has_partial_r_beside_r(tables: Tables) -> None:
    [first, *_] = correlation_tables(tables.correlations)
    assert list(first.header[2:7]) == ["Pearson r", "95 % interval", "Partial r", "p", "q"]
    row = tables.correlations.row(0, named=True)
    assert first.rows[0][2] == signed(row["pearson"])
    assert first.rows[0][4] == signed(row["partial_pearson"])


def test_the_tables_of_effects_have_effect_and_interval_before_p(tables: Tables) -> None:
    numbers = {"per_sd": 0.7, "per_sd_low": -0.2, "per_sd_high": 1.6, "partial": 0.5, "low": 0.1, "high": 0.8}
    numbers |= {"images_low": 0.3, "images_high": 1.1}
    effects = tables.effects.with_columns(**{name: pl.lit(value) for name, value in numbers.items()})
    first, second, third = effect_tables(effects)
    assert first.caption == "Effects on accuracy with 95 % intervals, ensembles by averaging of probabilities"
    assert second.caption == "Effects on accuracy with 95 % intervals, ensembles by majority vote"
    assert third.caption == (
        "Effects on negative log-likelihood (NLL; positive is better) with 95 % intervals, ensembles by averaging of "
        "probabilities"
    )
    assert list(third.rows[0][2:4]) == ["+0.700", "−0.200 to 1.600"]
    assert third.header[2] == "Nats per SD"
    assert list(first.header[2:10]) == [
        "Percentage points per SD",
        "95 % over members",
        "95 % over images",
        "95 % over both",
        "Partial r",
        "95 % of r over members",
        "p",
        "q",
    ]
    assert list(first.rows[0][2:8]) == ["+0.70", "−0.20 to 1.60", "0.30 to 1.10", "–", "+0.50", "0.10 to 0.80"]
    assert len(first.rows) == len(tables.effects) / 3


def test_effects_without_values_are_dashes(tables: Tables) -> None:
    none = tables.effects.with_columns(pl.lit(None, pl.Float64).alias(name) for name in tables.effects.columns[6:])
    [first, *_] = effect_tables(none)
    assert first.rows[0][2:10] == ["–"] * 8


def test_the_tables_of_differences_have_those_with_a_small_q(tables: Tables) -> None:
    rows = len(tables.differences.filter(outcome="accuracy", consensus="average"))
    first, *_ = difference_tables(with_q_values(tables.differences, [0.01, 0.2, None]))
    assert first.caption == (
        "Differences between effects on accuracy (percentage points per SD), ensembles by averaging of probabilities: "
        f"1 of {rows - 1} have q < 0.05"
    )
    [row] = first.rows
    assert list(row[3:]) == ["+0.70", "0.10 to 1.30", "0.004", "0.010"]
    first, *_ = difference_tables(with_q_values(tables.differences, [0.2]))
    assert not first.rows
    assert not list(difference_tables(tables.differences.with_columns(q_value=pl.lit(None, pl.Float64))))


def with_q_values(differences: pl.DataFrame, q_values: list[float | None]) -> pl.DataFrame:
    """The first rows have these, the others 1; all have the same difference."""
    numbers = {"difference": 0.7, "low": 0.1, "high": 1.3, "p_value": 0.004}
    values = [*q_values, *[1.0] * (len(differences) - len(q_values))]
    return differences.with_columns(**{name: pl.lit(value) for name, value in numbers.items()}).with_columns(
        q_value=pl.Series(values, dtype=pl.Float64)
    )
