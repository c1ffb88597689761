"""What the findings say follows from the tables."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scripts.lib.jobs.storage import load_json
from scripts.lib.report.build import build_report, read_tables
from scripts.lib.report.findings import Tables, compared, findings
from tests.unit.synthetic_study import NAMES, make_study


def correlate(tables: Tables, **columns: Any) -> Tables:
    """The same study with other values in every row of its correlations."""
    values = {name: pl.lit(value, dtype=pl.Float64) for name, value in columns.items()}
    return replace(tables, correlations=tables.correlations.with_columns(**values))


def sentences(tables: Tables) -> list[str]:
    return [paragraph.replace("\u00a0", " ") for paragraph in findings(tables)]


def test_a_strong_positive_correlation(tables: Tables) -> None:
    changed = correlate(tables, pearson=0.8, ci_low=0.4, ci_high=0.9, p_value=0.001, q_value=0.004, partial_pearson=0.7)
    text = sentences(changed)[1]
    assert "r = +0.80 (95 % interval 0.40 to 0.90, p = 0.001, q = 0.004): ensembles whose members differ more" in text
    assert "differ more by this measure gain more" in text
    assert "accuracy held fixed, r is +0.70: more than half of the correlation remains." in text
    assert "r is +0.80 (0.40 to 0.90) on Noise, +0.80 (0.40 to 0.90) on Blur" in text
    assert "Over all 20 correlations between a diversity and this improvement, r is +0.80" in text


def test_a_strong_negative_correlation(tables: Tables) -> None:
    changed = correlate(tables, pearson=-0.8, ci_low=-0.9, ci_high=-0.4, q_value=0.01, partial_pearson=0.5)
    text = sentences(changed)[1]
    assert "r = −0.80 (95 % interval −0.90 to −0.40" in text
    assert "differ more by this measure gain less" in text
    assert "it changes sign" in text


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(-0.1, 0.8, "the interval includes zero, so even the sign is uncertain."),
     (None, 0.8, "it has no interval, so even the sign is uncertain.")],
)  # fmt: skip
def test_where_the_interval_does_not_settle_the_sign_no_direction_is_said(
    tables: Tables, low: float | None, high: float | None, words: str
) -> None:
    text = sentences(correlate(tables, pearson=0.5, ci_low=low, ci_high=high, q_value=0.01))[1]
    assert words in text
    assert "gain more" not in text


def without_probabilities(text: str) -> str:
    return re.sub(r", [pq] [=<] [\d.]+", "", text)


def test_p_and_q_decide_no_word_of_the_findings(tables: Tables) -> None:
    """Which measure is named, in which order, and what is said of it follow from r and its interval."""
    texts = []
    for small, large in [(0.0001, 0.9), (0.9, 0.0001)]:
        first = pl.when(pl.col("measure") == "disagreement").then(small).otherwise(large)
        known = correlate(tables, ci_low=0.1, ci_high=0.9).correlations
        changed = replace(tables, correlations=known.with_columns(p_value=first, q_value=first))
        texts.append(sentences(changed)[1])
    assert texts[0] != texts[1]
    assert without_probabilities(texts[0]) == without_probabilities(texts[1])


def with_correlations(tables: Tables, values: Mapping[str, tuple[float, float, float]]) -> Tables:
    """The same study with r and its interval for each measure, the same on every dataset."""
    changed = [
        tables.correlations.filter(measure=measure).with_columns(
            pearson=pl.lit(r), ci_low=pl.lit(low), ci_high=pl.lit(high), partial_pearson=pl.lit(r / 4)
        )
        for measure, (r, low, high) in values.items()
    ]
    return replace(tables, correlations=pl.concat(changed))


def test_measures_follow_in_the_order_of_effect_and_interval(tables: Tables) -> None:
    values = {
        "disagreement": (0.501, -0.2, 0.9),
        "attribution_dissimilarity": (0.1, 0.05, 0.2),
        "activation_dissimilarity": (0.5, 0.3, 0.6),
        "js_divergence": (-0.4, -0.5, -0.3),
    }
    text = sentences(with_correlations(tables, values))[1]
    assert "most strongly with the improvement over the mean member is activation dissimilarity, r = +0.50" in text
    assert (
        "Next, in order of |r|: prediction disagreement (+0.50, 95 % interval −0.20 to 0.90; accuracy held fixed "
        "+0.13), Jensen-Shannon divergence (−0.40, 95 % interval −0.50 to −0.30; accuracy held fixed −0.10) and "
        "attribution dissimilarity (+0.10, 95 % interval 0.05 to 0.20; accuracy held fixed +0.03)." in text
    )
    assert "the diversity with the strongest correlation on average is activation dissimilarity" in text
    assert "r is between −0.40 and +0.50 (15 positive, 5 negative)" in text
    assert "with the mean member accuracy held fixed it is between −0.10 and +0.13" in text


def test_the_findings_say_what_p_tests_and_where_to_look_instead(tables: Tables) -> None:
    text = sentences(tables)[1]
    assert "“no relation at all, not even through accuracy”" in text
    assert "a small p does not say that diversity matters beyond accuracy" in text
    assert "no calibrated test of it yet" in text


def test_without_correlations_the_text_says_so(tables: Tables) -> None:
    for changed in (correlate(tables, pearson=None), replace(tables, correlations=tables.correlations.clear())):
        text = sentences(changed)[1]
        assert text == (
            "On Clean, no correlation with a diversity could be computed, because there are too few ensembles or a "
            "quantity does not vary."
        )


def test_the_strongest_measure_is_named_even_if_it_is_negative(tables: Tables) -> None:
    strongest = pl.when(pl.col("measure") == "js_divergence").then(-0.9).otherwise(0.1)
    changed = replace(tables, correlations=tables.correlations.with_columns(pearson=strongest))
    assert "the improvement over the mean member is Jensen-Shannon divergence, r = −0.90" in sentences(changed)[1]
    assert "strongest correlation on average is Jensen-Shannon divergence" in sentences(changed)[1]


def with_best_ensemble(tables: Tables, accuracy: float) -> Tables:
    """The study with members at 70 % and ensembles at 60 %, except for the largest ensemble."""
    members = {name: table.with_columns(accuracy=pl.lit(70.0)) for name, table in tables.accuracies.items()}
    best = pl.when(pl.col("size") == 5).then(accuracy).otherwise(60.0)
    ensembles = {name: table.with_columns(accuracy=best) for name, table in tables.ensembles.items()}
    return replace(tables, accuracies=members, ensembles=ensembles)


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [(72.5, "2.5 percentage points better than"), (69.0, "1.0 percentage points worse than"), (70.0, "as accurate as"),
     (70.01, "less than 0.1 percentage points from")],
)  # fmt: skip
def test_the_best_ensemble_is_compared_with_the_best_member(tables: Tables, accuracy: float, words: str) -> None:
    text = sentences(with_best_ensemble(tables, accuracy))[0]
    assert f"{', '.join(NAMES[:4])} and {NAMES[4]} with {accuracy:.1f} %: {words} the best single member" in text
    assert "this average stays at 70.0 %" in text


def test_equally_good_ensembles_are_counted(tables: Tables) -> None:
    assert "(25 other ensembles reached the same accuracy)" in sentences(with_best_ensemble(tables, 60.0))[0]


def test_a_rise_under_shift_is_not_called_a_fall(tables: Tables) -> None:
    accuracies = {
        name: table.with_columns(accuracy=pl.lit(50.0 if name == "clean" else 80.0))
        for name, table in tables.accuracies.items()
    }
    assert "this average rises to 80.0 %" in sentences(replace(tables, accuracies=accuracies))[0]


def test_one_dataset_and_one_ensemble(tmp_path: Path) -> None:
    folder = make_study(tmp_path, members=2, datasets=["clean"], samples=50)
    build_report(folder, {}, folder / "report.html")
    first, second = sentences(read_tables(folder, load_json(folder / "study.json")))
    assert "2 members were tested alone and in 1 ensemble of 2 members, on 1 validation set." in first
    assert "other" not in first
    assert "no correlation" in second


def test_equal_but_for_rounding_is_equal() -> None:
    assert compared(-1e-13) == "as accurate as"
