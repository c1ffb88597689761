"""Shares of the variance of accuracy, against least squares for every order in which the terms can enter."""

import math
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.stats
from polars.testing import assert_frame_equal

from scripts.lib.ensembles.subsets import mean_pairwise, subsets
from scripts.lib.statistics import variance_shares
from scripts.lib.statistics.split_evidence import SplitEvidence
from scripts.lib.statistics.variance_shares import ALL, SCHEMA, STATISTICS, variance_shares_table
from tests.unit.statistics.test_effects import halves_of, pair_controls, study
from tests.unit.statistics.test_permutations import random_matrix

TERMS = ["size", "member_accuracies", "unexplained"]


def table_of(evidence: SplitEvidence, chosen: np.ndarray) -> pl.DataFrame:
    return variance_shares_table([("clean", evidence)], chosen)


def shares(evidence: SplitEvidence, chosen: np.ndarray, model: str, column: str = "share") -> dict[str, float]:
    """The shares of ensembles by averaging, by term."""
    table = table_of(evidence, chosen).filter(consensus="average", model=model)
    return dict(zip(table["term"], table[column], strict=True))


def blocks_of(
    evidence: SplitEvidence, chosen: np.ndarray, measures: list[str], half: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The columns of every term, and the accuracies of the ensembles."""
    size = chosen.sum(1)
    blocks = {
        "size": size[:, None] == np.unique(size)[1:],
        "member_accuracies": np.stack(
            [mean_pairwise(chosen, control) for control in pair_controls(evidence.accuracies[1 - half])], axis=1
        ),
    }
    for name in measures:
        blocks[name] = mean_pairwise(chosen, evidence.diversities[name][half])[:, None]
    return blocks, evidence.outcomes["average"][1 - half]


def r_squared(columns: list[np.ndarray], y: np.ndarray) -> float:
    design = np.concatenate([np.ones((len(y), 1)), *columns], axis=1).astype(float)
    design[:, 1:] -= design[:, 1:].mean(0)
    lengths = np.linalg.norm(design, axis=0)
    design = design[:, lengths > 1e-9] / lengths[lengths > 1e-9]
    left = y - design @ np.linalg.lstsq(design, y, rcond=1e-8)[0]
    return float(1 - (left**2).sum() / ((y - y.mean()) ** 2).sum())


def plain_shares(
    evidence: SplitEvidence, chosen: np.ndarray, measures: list[str], without: int | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Shares and unique shares: what a term adds to R², as a mean over all orders, and after all others."""
    kept = (chosen.sum(1) > 1) & (True if without is None else ~chosen[:, without])
    outcomes = {name: values[:, kept] for name, values in evidence.outcomes.items()}
    total: dict[str, float] = {}
    unique: dict[str, float] = {}
    for half in (0, 1):
        blocks, y = blocks_of(replace(evidence, outcomes=outcomes), chosen[kept], measures, half)
        for order in permutations(blocks):
            before = 0.0
            for number, term in enumerate(order):
                now = r_squared([blocks[name] for name in order[: number + 1]], y)
                total[term] = total.get(term, 0) + (now - before) / 2 / math.factorial(len(blocks))
                before = now
        for term in blocks:
            rest = r_squared([values for name, values in blocks.items() if name != term], y)
            unique[term] = unique.get(term, 0) + (r_squared(list(blocks.values()), y) - rest) / 2
    return total, unique


@pytest.mark.parametrize("model", ["first", ALL])
def test_shares_are_means_over_all_orders_of_what_a_term_adds(model: str) -> None:
    evidence, chosen = study(seed=3, members=6, first=halves_of(1, 6), second=halves_of(2, 6))
    total, unique = plain_shares(evidence, chosen, ["first"] if model == "first" else ["first", "second"])
    found = shares(evidence, chosen, model)
    assert found.pop("unexplained") == pytest.approx(1 - sum(total.values()), abs=1e-9)
    assert found == pytest.approx(total, abs=1e-9)
    found = shares(evidence, chosen, model, "unique")
    assert found.pop("unexplained") is None
    assert found == pytest.approx(unique, abs=1e-9)


def test_shares_add_up_to_one_in_every_model() -> None:
    evidence, chosen = study(seed=4, members=8, first=halves_of(1, 8), second=halves_of(2, 8))
    table = table_of(evidence, chosen)
    sums = table.group_by("consensus", "model").agg(pl.col("share").sum())["share"]
    np.testing.assert_allclose(sums, 1)
    assert len(sums) == 6
    assert (table["unique"].drop_nulls() <= table.filter(pl.col("unique").is_not_null())["share"] + 1).all()


def test_intervals_leave_out_one_member_at_a_time_and_end_at_0_and_1() -> None:
    evidence, chosen = study(seed=5, members=7, first=halves_of(1, 7))
    table = table_of(evidence, chosen).filter(consensus="average").to_dicts()
    without = [plain_shares(evidence, chosen, ["first"], member) for member in range(7)]
    whole = plain_shares(evidence, chosen, ["first"])
    limit, cut = scipy.stats.t.ppf(0.975, 6), 0
    for row in table[:3]:
        for number, names in enumerate([("share", "low", "high"), ("unique", "unique_low", "unique_high")]):
            values = np.array([each[number][row["term"]] for each in without])
            half = limit * np.sqrt(6 / 7 * ((values - values.mean()) ** 2).sum())
            centre = whole[number][row["term"]]
            expected = [centre, max(0, centre - half), min(1, centre + half)]
            cut += (centre - half < 0) + (centre + half > 1)
            assert [row[name] for name in names] == pytest.approx(expected, abs=1e-7)
    assert cut, "some interval is cut off"


def test_what_follows_from_one_term_alone_is_its_share() -> None:
    """Accuracies that are those of the size, of the members, or of the pairs."""
    evidence, chosen = study(seed=6, members=7, first=np.stack([random_matrix(1, 7)] * 2))
    size = chosen.sum(1)
    of_pairs = mean_pairwise(chosen, evidence.diversities["first"][0])
    of_members = chosen @ evidence.accuracies[0] / size
    evidence = replace(evidence, accuracies=np.stack([evidence.accuracies[0]] * 2))
    for term, values in {"size": np.sqrt(size), "first": of_pairs, "member_accuracies": of_members}.items():
        found = replace(evidence, outcomes={"average": np.stack([values] * 2)})
        assert shares(found, chosen, "first")["unexplained"] == pytest.approx(0, abs=1e-9)
        of_term = shares(found, chosen, "first")
        assert max(of_term, key=lambda name: of_term[name]) == term
    centred = of_pairs - np.array([of_pairs[size == each].mean() for each in size])
    found = replace(evidence, outcomes={"average": np.stack([centred] * 2)})
    assert shares(found, chosen, "first", "unique")["size"] == pytest.approx(
        plain_shares(found, chosen, ["first"])[1]["size"], abs=1e-9
    )


def test_a_diversity_that_only_says_accuracies_has_a_share_but_no_unique_one() -> None:
    evidence, chosen = study(seed=7, members=7)
    first, second = evidence.accuracies[:, :, None], evidence.accuracies[:, None]
    said = -(first + second)[::-1]  # each half says the accuracies of the other, where these are taken from
    size = chosen.sum(1)
    outcome = np.stack([of_half @ chosen.T / size for of_half in evidence.accuracies])
    evidence = replace(evidence, diversities={"said": said}, outcomes={"average": outcome})
    assert shares(evidence, chosen, "said")["said"] > 0.3
    assert shares(evidence, chosen, "said", "unique")["said"] == pytest.approx(0, abs=1e-9)


def test_constant_terms_explain_nothing() -> None:
    """One size, equally accurate members, equally diverse pairs."""
    evidence, chosen = study(seed=8, members=8, sizes=[3], same=np.full((2, 8, 8), 0.3), other=halves_of(1, 8))
    found = shares(evidence, chosen, "same")
    assert (found["size"], found["same"]) == (0, 0)
    assert shares(evidence, chosen, "same")["member_accuracies"] == pytest.approx(
        plain_shares(evidence, chosen, ["same"])[0]["member_accuracies"], abs=1e-9
    )
    equal = replace(evidence, accuracies=np.full((2, 8), 71.3))
    assert shares(equal, chosen, "other")["member_accuracies"] == 0
    assert shares(equal, chosen, "other") == pytest.approx(
        plain_shares(equal, chosen, ["other"])[0] | {"unexplained": shares(equal, chosen, "other")["unexplained"]}
    )


def test_a_pair_without_a_value_leaves_only_its_measure_without_shares() -> None:
    matrices = {"broken": halves_of(1, 6), "whole": halves_of(2, 6), "other": halves_of(3, 6)}
    matrices["broken"][0, 1, 2] = matrices["broken"][0, 2, 1] = np.nan
    evidence, chosen = study(members=6, **matrices)
    table = table_of(evidence, chosen)
    assert all(table.filter(model="broken")[name].is_null().all() for name in STATISTICS)
    assert "broken" not in set(table.filter(model=ALL)["term"])
    del matrices["broken"]
    alone = table_of(replace(evidence, diversities=matrices), chosen)
    assert_frame_equal(table.filter(pl.col("model") != "broken"), alone)


@pytest.mark.parametrize(
    ("members", "changes"),
    [
        (5, {}),
        (6, {"sizes": [1]}),
        (6, {"sizes": [6]}),
        (6, {"sizes": [5, 6]}),
    ],
)
def test_too_few_members_or_ensembles_have_no_shares(members: int, changes: dict[str, Any]) -> None:
    table = table_of(*study(members=members, **changes))
    assert table["term"].to_list() == ["size", "member_accuracies", "disagreement", "unexplained"] * 2
    assert all(table[name].is_null().all() for name in STATISTICS)


def test_equally_accurate_ensembles_have_no_shares() -> None:
    evidence, chosen = study(members=6)
    constant = {name: np.full(values.shape, 71.3) for name, values in evidence.outcomes.items()}
    table = table_of(replace(evidence, outcomes=constant), chosen)
    assert all(table[name].is_null().all() for name in STATISTICS)


def test_a_half_without_samples_has_no_shares() -> None:
    evidence, chosen = study(members=6)
    evidence.accuracies[1] = np.nan
    for values in (*evidence.outcomes.values(), *evidence.diversities.values()):
        values[1] = np.nan
    table = table_of(evidence, chosen)
    assert all(table[name].is_null().all() for name in STATISTICS)


def test_a_measure_of_some_members_is_looked_at_in_their_ensembles_only() -> None:
    matrices = halves_of(7, 8)
    matrices[:, [2, 6]] = matrices[:, :, [2, 6]] = np.nan
    kept = [0, 1, 3, 4, 5, 7]
    whole, chosen = study(seed=6, members=8, partial=matrices, complete=halves_of(8, 8))
    found = table_of(replace(whole, compared={"partial": kept}), chosen).filter(model="partial")
    inside = ~chosen[:, [2, 6]].any(1)
    alone = SplitEvidence(
        whole.accuracies[:, kept],
        whole.confidences[:, kept],
        {name: values[:, inside] for name, values in whole.outcomes.items()},
        {"partial": matrices[:, kept][:, :, kept]},
    )
    assert found["members"].unique().to_list() == [6]
    assert_frame_equal(found, table_of(alone, chosen[inside][:, kept]), check_exact=False)


def test_extreme_values_keep_their_shares() -> None:
    """Diversities in other units, and far from 0; ensembles that are nearly equally accurate."""
    evidence, chosen = study(seed=9, members=7, first=halves_of(1, 7), second=halves_of(2, 7))
    expected = table_of(evidence, chosen)
    for factor, shift in ((1e-6, 0.0), (1e6, 0.0), (1.0, 1e4)):
        matrices = evidence.diversities | {"first": factor * evidence.diversities["first"] + shift}
        found = table_of(replace(evidence, diversities=matrices), chosen)
        assert_frame_equal(found, expected, check_exact=False, abs_tol=1e-6)
    near = {name: 71 + 1e-5 * values for name, values in evidence.outcomes.items()}
    found = table_of(replace(evidence, outcomes=near), chosen)
    assert_frame_equal(found, expected, check_exact=False, abs_tol=1e-6)


def test_many_measures_are_not_taken_together(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, chosen = study(members=6, first=halves_of(1, 6), second=halves_of(2, 6))
    monkeypatch.setattr(variance_shares, "MOST_TOGETHER", 1)
    table = table_of(evidence, chosen)
    assert set(table["model"]) == {"first", "second"}


def test_blocks_of_ensembles_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, chosen = study(seed=2, members=7)
    whole = table_of(evidence, chosen)
    monkeypatch.setattr("scripts.lib.statistics.scatter.BLOCK_ENSEMBLES", 10)
    assert_frame_equal(table_of(evidence, chosen), whole, check_exact=False)


def test_drawn_ensembles_of_many_members() -> None:
    evidence, _ = study(seed=2, members=22, sizes=[2])
    chosen = subsets(22, "all", 8, 0)
    generator = np.random.default_rng(0)
    evidence = replace(evidence, outcomes={"average": generator.normal(size=(2, len(chosen)))})
    found = shares(evidence, chosen, "disagreement")
    total, _ = plain_shares(evidence, chosen, ["disagreement"])
    assert found == pytest.approx(total | {"unexplained": 1 - sum(total.values())}, abs=1e-9)


def test_a_study_without_measures_has_an_empty_table() -> None:
    evidence, chosen = study()
    table = table_of(replace(evidence, diversities={}), chosen)
    assert dict(table.schema) == SCHEMA
    assert table.is_empty()
