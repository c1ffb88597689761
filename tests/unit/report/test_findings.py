"""What the findings say follows from the tables."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from scripts.lib.jobs.storage import load_json
from scripts.lib.report.build import build_report, read_tables
from scripts.lib.report.findings import Tables, compared, findings
from scripts.lib.report.findings_calibration import on_calibration
from tests.unit.synthetic_study import NAMES, make_study


def changed_effects(tables: Tables, **columns: Any) -> Tables:
    """The same study with other values in every row of its effects."""
    values = {name: pl.lit(value, dtype=pl.Float64) for name, value in columns.items()}
    return replace(tables, effects=tables.effects.with_columns(**values))


def sentences(tables: Tables) -> list[str]:
    """The paragraphs without the one on confidence, which has a test of its own."""
    confidence = " ".join(filter(None, on_calibration(tables.temperatures, tables.calibration, tables.members)))
    paragraphs = [paragraph.replace("\u00a0", " ") for paragraph in findings(tables)]
    assert confidence in paragraphs
    return [paragraph for paragraph in paragraphs if paragraph != confidence]


SHOWN: dict[str, float] = {"partial": 0.6, "low": 0.3, "high": 0.8, "per_sd": 0.71, "per_sd_low": 0.3}
SHOWN |= {"per_sd_high": 1.1, "p_value": 0.001, "q_value": 0.004}


def test_an_effect_that_is_shown(tables: Tables) -> None:
    text = sentences(changed_effects(tables, **SHOWN))[1]
    numbers = (
        "+0.71 percentage points, 95 % interval over members 0.30 to 1.10; partial r = +0.60, p = 0.001, q = 0.004"
    )
    assert f"an effect is shown for prediction disagreement ({numbers}), attribution dissimilarity ({numbers})" in text
    assert "ndecided" not in text
    everywhere = "a positive effect is shown on Noise, Blur, Weather and Digital;"
    assert f"prediction disagreement (+0.71 percentage points): {everywhere}" in text


def test_effects_on_nll_have_a_sentence_with_their_own_unit(tables: Tables) -> None:
    text = sentences(changed_effects(tables, **SHOWN))[1]
    assert "On the negative log-likelihood (NLL) of averaged probabilities, in nats" in text
    assert "on all sets: prediction disagreement (+0.710 nats): a positive effect is shown on Clean, Noise," in text
    without = replace(tables, effects=tables.effects.filter(outcome="accuracy"))
    assert "of averaged probabilities" not in sentences(without)[1]


def test_differences_between_measures(tables: Tables) -> None:
    text = sentences(changed_differences(tables, 1.0))[1]
    rows = len(tables.differences.filter(outcome="accuracy", consensus="average"))
    assert f"no difference is shown ({rows} differences on all sets together)" in text
    few = changed_differences(tables, 0.01, only="clean")
    shown = len(few.differences.filter(outcome="accuracy", consensus="average", dataset="clean"))
    assert f"Of {rows} differences between the effects of two measures, {shown} have q below 0.05" in sentences(few)[1]
    assert "on Clean, the effect of prediction disagreement less that of " in sentences(few)[1]
    assert " is +0.70 percentage points (95 % interval 0.10 to 1.30)" in sentences(few)[1]
    assert ("the largest of these" in sentences(few)[1]) == (shown > 3)
    unknown = replace(tables, differences=tables.differences.with_columns(q_value=pl.lit(None, pl.Float64)))
    assert "the effects of two measures" not in sentences(unknown)[1]


def changed_differences(tables: Tables, q_value: float, only: str = "") -> Tables:
    numbers = {"difference": 0.7, "low": 0.1, "high": 1.3, "p_value": 0.004}
    q = pl.when(pl.lit(not only) | (pl.col("dataset") == only)).then(q_value).otherwise(1.0)
    columns = {name: pl.lit(value) for name, value in numbers.items()}
    return replace(tables, differences=tables.differences.with_columns(**columns, q_value=q))


def test_a_negative_effect(tables: Tables) -> None:
    text = sentences(
        changed_effects(tables, **SHOWN | {"partial": -0.6, "per_sd": -0.5, "per_sd_low": -0.8, "per_sd_high": -0.3})
    )[1]
    assert "a negative effect is shown on Noise, Blur, Weather and Digital" in text
    assert "a positive effect" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"per_sd_low": -0.1},
        {"per_sd_low": None},
        {"per_sd_high": None},
        {"q_value": 0.05},
        {"q_value": None},
        {"partial": -0.1},
    ],
)
def test_an_effect_needs_q_and_interval(tables: Tables, changes: dict[str, float | None]) -> None:
    text = sentences(changed_effects(tables, **SHOWN | changes))[1]
    assert "On Clean, no effect is shown. It is undecided for prediction disagreement (+0.71 percentage points" in text
    assert "percentage points): no effect is shown" in text
    assert "Undecided does not mean that there is no effect" in text


def test_effects_that_are_shown_stand_before_those_that_are_undecided(tables: Tables) -> None:
    q = pl.when(pl.col("measure") == "js_divergence").then(0.01).otherwise(0.5)
    text = sentences(replace(tables, effects=changed_effects(tables, **SHOWN).effects.with_columns(q_value=q)))[1]
    assert "an effect is shown for Jensen-Shannon divergence (" in text
    assert "It is undecided for prediction disagreement (" in text


def test_without_effects_the_text_says_so(tables: Tables) -> None:
    for changed in (changed_effects(tables, partial=None), replace(tables, effects=tables.effects.clear())):
        assert sentences(changed)[1].startswith("No effect of a diversity beyond the members' accuracy and confidence")


def test_effects_only_on_other_datasets(tables: Tables) -> None:
    partial = pl.when(pl.col("dataset") == "clean").then(None).otherwise(0.6)
    changed = replace(tables, effects=changed_effects(tables, **SHOWN).effects.with_columns(partial=partial))
    assert "On Clean, no effect could be estimated. On the other sets:" in sentences(changed)[1]


def changed_correlations(tables: Tables, **columns: Any) -> Tables:
    values = {name: pl.lit(value, dtype=pl.Float64) for name, value in columns.items()}
    return replace(tables, correlations=tables.correlations.with_columns(**values))


def test_plain_correlations_are_described(tables: Tables) -> None:
    text = sentences(changed_correlations(tables, pearson=0.8, ci_low=0.4, ci_high=0.9))[2]
    assert (
        "Plain correlations r with the improvement over the mean member on Clean: prediction disagreement +0.80 "
        "(95 % interval 0.40 to 0.90), attribution dissimilarity +0.80" in text
    )
    assert "the mean member accuracy itself has r = +0.80 (95 % interval 0.40 to 0.90)." in text
    assert "Over all 20 correlations between a diversity and this improvement, r is +0.80 (20 positive, 0" in text
    assert "says nothing about causes" in text


def test_p_and_q_of_plain_correlations_are_in_no_sentence(tables: Tables) -> None:
    texts = {sentences(changed_correlations(tables, p_value=p, q_value=p))[2] for p in (0.0001, 0.9)}
    assert len(texts) == 1


def test_without_correlations_the_text_says_so(tables: Tables) -> None:
    empty = replace(tables, correlations=tables.correlations.clear())
    for changed in (changed_correlations(tables, pearson=None), empty):
        assert sentences(changed)[2] == (
            "On Clean, no correlation with a diversity could be computed, because there are too few ensembles or a "
            "quantity does not vary."
        )


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
    first, second, third = sentences(read_tables(folder, load_json(folder / "study.json")))
    assert "2 members were tested alone and in 1 ensemble of 2 members, on 1 validation set." in first
    assert "other" not in first
    assert "No effect" in second
    assert "no correlation" in third


def test_equal_but_for_rounding_is_equal() -> None:
    assert compared(-1e-13) == "as accurate as"
