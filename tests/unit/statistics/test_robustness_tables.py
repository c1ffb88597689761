"""Members and chosen ensembles under shift, against formulas written out and a simulation with known truth."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.stats

from scripts.lib.ensembles.held_out import SCHEMA as HELD_OUT
from scripts.lib.ensembles.held_out import resampled
from scripts.lib.statistics.robustness_tables import (
    LINES,
    HeldOut,
    line_of_table,
    lines_table,
    members_line,
    over_sets_table,
    robustness_table,
)

LISTS = [[0], [1], [2], [3], [4], [2], [1, 2], [0, 1, 2, 3, 4]]
KINDS = ["member"] * 5 + ["chosen", "chosen", "all"]


def judged(
    dataset: str, correct: np.ndarray, own: list[int] | None = None, lists: Any = LISTS, kinds: Any = KINDS
) -> HeldOut:
    """A table of `ensembles.held_out`, as far as it is read here, from correct answers bool [K, N]."""
    lists, kinds = [*lists, *([own] if own else [])], [*kinds, *(["own"] if own else [])]
    table = pl.DataFrame(
        {
            "dataset": [dataset] * len(lists),
            "kind": kinds,
            "consensus": [None if kind == "member" else "average" for kind in kinds],
            "size": [len(members) for members in lists],
            "members": lists,
            "recommended": [
                None if kind == "member" else members == [1, 2] for kind, members in zip(kinds, lists, strict=True)
            ],
            "samples": correct.shape[1],
            "right": correct.sum(1),
            "accuracy": 100 * correct.mean(1),
        },
        schema_overrides={name: HELD_OUT[name] for name in ("kind", "consensus", "size", "members", "recommended")},
    )
    return HeldOut(table, resampled(correct, 0))


def answers(seed: int, ease: float, rows: int = len(LISTS), samples: int = 400) -> np.ndarray:
    generator = np.random.default_rng(seed)
    skills = np.linspace(0, 0.15, rows)[:, None]
    return generator.random((rows, samples)) < ease + skills


CLEAN = judged("clean", answers(1, 0.75))
NOISE = judged("noise", answers(2, 0.45, 9), own=[3, 4])


def test_members_and_chosen_ensembles_are_compared_with_the_line_of_the_members() -> None:
    table = robustness_table(CLEAN, NOISE)
    assert table["kind"].to_list() == KINDS, "the ensemble that was chosen on the shifted set itself is left out"
    before, after = (data.table["right"].to_numpy()[:8] for data in (CLEAN, NOISE))
    x, y = (scipy.stats.norm.ppf((right + 0.5) / 401) for right in (before, after))
    line = scipy.stats.linregress(x[:5], y[:5])
    expected = 100 * ((after + 0.5) / 401 - scipy.stats.norm.cdf(line.intercept + line.slope * x))
    np.testing.assert_allclose(table["effective"], expected)
    np.testing.assert_allclose(table["change"], (after - before) / 4)
    np.testing.assert_allclose(table["relative"], 100 * after / before)
    np.testing.assert_array_equal(table["extrapolated"], (before < before[:5].min()) | (before > before[:5].max()))


def test_the_interval_adds_the_variances_over_members_and_over_images() -> None:
    table = robustness_table(CLEAN, NOISE)

    def effective(before: np.ndarray, after: np.ndarray, members: list[int]) -> np.ndarray:
        x, y = (scipy.stats.norm.ppf((right + 0.5) / 401) for right in (before, after))
        line = scipy.stats.linregress(x[members], y[members])
        found: np.ndarray = 100 * ((after + 0.5) / 401 - scipy.stats.norm.cdf(line.intercept + line.slope * x))
        return found

    before, after = (data.table["right"].to_numpy()[:8] for data in (CLEAN, NOISE))
    without = np.stack([effective(before, after, [m for m in range(5) if m != out]) for out in range(5)])
    of_members = 4 / 5 * ((without - without.mean(0)) ** 2).sum(0)
    pairs = zip(CLEAN.resampled[:, :8], NOISE.resampled[:, :8], strict=True)
    of_images = np.stack([effective(*pair, list(range(5))) for pair in pairs]).var(0)
    half = scipy.stats.t.ppf(0.975, 4) * np.sqrt(of_members + of_images)
    np.testing.assert_allclose(table["effective_high"] - table["effective"], half)
    np.testing.assert_allclose(table["effective"] - table["effective_low"], half)


def test_there_is_a_row_for_each_line_and_it_is_read_again() -> None:
    found = members_line(CLEAN, NOISE)
    few = members_line(*(HeldOut(data.table[:2], data.resampled[:, :2]) for data in (CLEAN, NOISE)))
    table = lines_table({("noise", "all"): found, ("blur", "evaluation"): few})
    assert dict(table.schema) == LINES
    first, second = table.to_dicts()
    again = line_of_table(first)
    for name in ("intercept", "slope", "lowest", "highest"):
        assert getattr(again, name) == pytest.approx(getattr(found.line, name))
    assert again.reason == ""
    assert (first["slope_low"], first["slope_high"]) == found.slope_interval()
    assert (first["dataset"], first["split"], first["members"], first["reason"]) == ("noise", "all", 5, None)
    assert second["slope"] is None
    assert second["reason"] == "fewer than three members"
    assert np.isnan(line_of_table(second).slope)


def test_without_a_line_there_is_no_effective_robustness_but_all_else() -> None:
    kept = [0, 1, 5]
    few = [HeldOut(data.table[kept], data.resampled[:, kept]) for data in (CLEAN, NOISE)]
    table = robustness_table(*few)
    for name in ("effective", "effective_low", "effective_high", "extrapolated"):
        assert table[name].is_null().all(), name
    assert table["change"].null_count() == table["relative"].null_count() == 0


def test_who_is_never_right_on_the_clean_set_has_no_relative_robustness() -> None:
    correct = answers(1, 0.75)
    correct[0] = False
    table = robustness_table(judged("clean", correct), NOISE)
    assert table["relative"].is_null().to_list() == [True] + [False] * 7
    assert table["effective"].null_count() == 0


def test_sets_are_summarised_by_mean_and_worst() -> None:
    blur = judged("blur", answers(3, 0.3))
    robustness = pl.concat([robustness_table(CLEAN, NOISE), robustness_table(CLEAN, blur)])
    table = over_sets_table(robustness, baseline=1)
    assert table["kind"].to_list() == KINDS
    for row in table.to_dicts():
        own = robustness.filter((pl.col("members") == row["members"]) & (pl.col("kind") == row["kind"])).to_dicts()
        accuracies, effective = [each["accuracy"] for each in own], [each["effective"] for each in own]
        assert (row["sets"], row["worst_dataset"]) == (2, "blur")
        assert row["mean_accuracy"] == pytest.approx(np.mean(accuracies))
        assert row["worst_accuracy"] == min(accuracies)
        assert row["mean_effective"] == pytest.approx(np.mean(effective))
        assert row["worst_effective"] == min(effective)
        baseline = [100 - data.table["accuracy"][1] for data in (NOISE, blur)]
        expected = np.mean([100 * (100 - a) / b for a, b in zip(accuracies, baseline, strict=True)])
        assert row["relative_error"] == pytest.approx(expected)
    assert table["relative_error"][1] == pytest.approx(100)


def test_without_a_baseline_or_its_errors_there_is_no_relative_error() -> None:
    robustness = robustness_table(CLEAN, NOISE)
    assert over_sets_table(robustness, None)["relative_error"].is_null().all()
    correct = answers(2, 0.45)
    correct[1] = True
    perfect = robustness_table(CLEAN, judged("noise", correct))
    assert over_sets_table(perfect, 1)["relative_error"].is_null().all()
    assert over_sets_table(perfect, 0)["relative_error"].null_count() == 0


def test_intervals_cover_the_effective_robustness_of_simulated_members() -> None:
    """Members on a line plus noise, an ensemble with 2 points more than the line says; 200 studies covered 99 %."""
    generator, studies, samples, members = np.random.default_rng(0), 40, 500, 10
    kinds, lists = ["member"] * members + ["chosen"], [[m] for m in range(members)] + [list(range(members))]
    covered = []
    for _ in range(studies):
        probits = np.append(generator.normal(0.8, 0.35, members), 1.3)
        shifted = -0.6 + 0.9 * probits + np.append(generator.normal(0, 0.08, members), 0)
        chances = scipy.stats.norm.cdf(np.stack([probits, shifted]))
        chances[1, -1] += 0.02
        # Images are easier or harder for all, on both sets.
        own = generator.normal(size=(2, members + 1, samples))
        ease = scipy.stats.norm.cdf((generator.normal(size=samples) + own) / np.sqrt(2))
        sets = [
            judged(name, ease[number] < chances[number][:, None], lists=lists, kinds=kinds)
            for number, name in enumerate(("clean", "noise"))
        ]
        row = robustness_table(*sets).row(-1, named=True)
        covered.append(row["effective_low"] <= 2 <= row["effective_high"])
    assert np.mean(covered) >= 0.9
