"""The abstract follows from the tables."""

from dataclasses import replace
from typing import Any

import polars as pl

from scripts.lib.report.abstract import abstract
from scripts.lib.report.findings import Tables, titled_findings

SHOWN: dict[str, float] = {"partial": 0.6, "per_sd": 0.71, "per_sd_low": 0.3, "per_sd_high": 1.1, "q_value": 0.004}


def changed(tables: Tables, only: str | None = None, **columns: Any) -> Tables:
    there = pl.lit(True) if only is None else pl.col("measure") == only
    values = {name: pl.when(there).then(value).otherwise(pl.col(name)) for name, value in columns.items()}
    return replace(tables, effects=tables.effects.with_columns(**values))


def sentences(tables: Tables) -> list[str]:
    return [sentence.replace("\u00a0", " ") for sentence in abstract(tables)]


def test_it_says_what_ensembles_gain(tables: Tables) -> None:
    chosen, alone = tables.chosen("clean"), tables.accuracies["clean"]
    gain, best = chosen["improvement_over_mean"].mean(), chosen["accuracy"].max()
    text = sentences(tables)[0]
    assert text.startswith(f"5 members and {len(chosen)} ensembles were compared on 5 validation sets.")
    assert f"is, on average, +{gain:.1f} percentage points" in text
    assert f"ensemble has {best:.1f} % there, the most accurate member {alone['accuracy'].max():.1f} % (both" in text


def test_it_counts_the_sets_on_which_an_effect_is_shown(tables: Tables) -> None:
    nothing = changed(tables, **SHOWN | {"q_value": 0.9})
    assert "no effect of a diversity on accuracy is shown on any set" in sentences(nothing)[1]
    some = changed(nothing, only="disagreement", **SHOWN)
    text = sentences(some)[1]
    assert "is shown for prediction disagreement (positive on 5 of 5 sets)." in text
    assert "On every set, it is undecided for attribution dissimilarity" in text
    assert text.endswith("These are adjusted associations, not proof of a cause.")


def test_negative_effects_are_called_so(tables: Tables) -> None:
    values = {"partial": -0.6, "per_sd": -0.7, "per_sd_low": -1.1, "per_sd_high": -0.3, "q_value": 0.004}
    assert "prediction disagreement (negative on 5 of 5 sets)" in sentences(changed(tables, **values))[1]


def test_regret_is_the_mean_over_the_shifted_sets(tables: Tables) -> None:
    assert tables.shift is not None
    rows = tables.shift.recommended("average")
    after = [row for name, row in rows.items() if name != "clean"]
    mean = sum(row["regret"] for row in after) / 4
    text = sentences(tables)[2]
    assert f"is {mean:+.1f} percentage points".replace("-", "−") in text
    above = [row["dataset"].capitalize() for row in after if row["regret_low"] > 0]
    assert all(name in text for name in above) if above else "above 0 on none of them" in text


def test_a_study_of_one_set_or_without_effects_says_less(tables: Tables) -> None:
    alone = replace(tables, shift=None, effects=tables.effects.with_columns(partial=pl.lit(None, dtype=pl.Float64)))
    assert len(abstract(alone)) == 2
    assert "could not be estimated" in abstract(alone)[1]


def test_every_finding_has_a_title_and_an_anchor(tables: Tables) -> None:
    found = titled_findings(tables)
    assert [finding.name for finding in found][:3] == ["ensembles", "confidence", "diversity"]
    assert all(finding.title and finding.text for finding in found)
    assert len({finding.name for finding in found}) == len(found)
