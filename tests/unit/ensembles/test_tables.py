"""Ensembles: how accurate and how diverse each is."""

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.lib.ensembles.tables import accuracies_table, lists_of_members
from scripts.lib.ensembles.tables import ensembles_table as table_of_tally
from tests.unit.conftest import subsets, tally_of


def ensembles_table(
    probabilities: torch.Tensor,
    labels: torch.Tensor,
    pairwise: dict[str, Any],
    baseline: int | None,
    sizes: str | list[int] = "all",
) -> pl.DataFrame:
    chosen = subsets(len(probabilities), sizes)
    return table_of_tally(tally_of(probabilities, labels, chosen), chosen, pairwise, baseline)


def problem(members: int = 4, samples: int = 60, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(members)
    labels = torch.randint(classes, (samples,), generator=generator)
    logits = torch.randn(members, samples, classes, generator=generator)
    logits[:, torch.arange(samples), labels] += 1
    return logits.softmax(2), labels


def naive_accuracy(probabilities: np.ndarray, labels: np.ndarray, members: tuple[int, ...], consensus: str) -> float:
    right = 0
    for sample, label in enumerate(labels):
        of_members = probabilities[list(members), sample].astype(np.float64)
        score = of_members.sum(0)
        if consensus == "vote":
            votes = np.bincount(of_members.argmax(1), minlength=of_members.shape[1])
            score = np.where(votes == votes.max(), score, -1)
        right += int(score.argmax() == label)
    return 100 * right / len(labels)


@pytest.mark.parametrize("members", [2, 4])
def test_every_row_is_what_a_plain_loop_gives(members: int) -> None:
    probabilities, labels = problem(members)
    matrix = np.arange(members * members, dtype=float).reshape(members, members)
    matrix = matrix + matrix.T
    table = ensembles_table(probabilities, labels, {"disagreement": matrix}, baseline=1)
    assert len(table) == 2 * (2**members - members - 1)
    plain = probabilities.numpy()
    single = [naive_accuracy(plain, labels.numpy(), (m,), "average") for m in range(members)]
    for row in table.iter_rows(named=True):
        chosen = tuple(row["members"])
        mean, best = np.mean([single[m] for m in chosen]), max(single[m] for m in chosen)
        accuracy = naive_accuracy(plain, labels.numpy(), chosen, row["consensus"])
        assert row["size"] == len(chosen)
        assert row["accuracy"] == pytest.approx(accuracy)
        assert row["mean_member_accuracy"] == pytest.approx(mean)
        assert row["best_member_accuracy"] == pytest.approx(best)
        assert row["improvement_over_mean"] == pytest.approx(accuracy - mean)
        assert row["improvement_over_best"] == pytest.approx(accuracy - best)
        assert row["improvement_over_baseline"] == pytest.approx(accuracy - single[1])
        assert row["error_improvement_ratio"] == pytest.approx((accuracy - mean) / (100 - mean))
        pairs = [matrix[a, b] for a, b in combinations(chosen, 2)]
        assert row["disagreement"] == pytest.approx(np.mean(pairs))


def test_one_member_has_no_pairwise_mean_and_no_improvement() -> None:
    probabilities, labels = problem(3)
    table = ensembles_table(probabilities, labels, {"disagreement": np.ones((3, 3))}, None, [1])
    assert table["disagreement"].to_list() == [None] * 6
    assert table["improvement_over_mean"].to_list() == [0] * 6
    assert "improvement_over_baseline" not in table.columns


def test_members_without_an_error_have_no_error_improvement_ratio() -> None:
    labels = torch.tensor([0, 1])
    probabilities = torch.eye(2).expand(2, 2, 2)
    table = ensembles_table(probabilities, labels, {}, None)
    assert table["accuracy"].to_list() == [100, 100]
    assert table["error_improvement_ratio"].to_list() == [None, None]


def test_values_do_not_depend_on_the_blocks_they_are_computed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities, labels = problem(6)
    matrix = np.random.default_rng(0).random((6, 6))
    whole = ensembles_table(probabilities, labels, {"disagreement": matrix + matrix.T}, 0)
    monkeypatch.setattr("scripts.lib.ensembles.sums.BLOCK_ENSEMBLES", 16)
    assert ensembles_table(probabilities, labels, {"disagreement": matrix + matrix.T}, 0).equals(whole)


def test_members_are_listed_in_whatever_order_the_ensembles_are() -> None:
    chosen = np.random.default_rng(3).random((60, 7)) < 0.5
    chosen[0], chosen[-1] = False, True
    assert lists_of_members(chosen).to_list() == [np.flatnonzero(row).tolist() for row in chosen]
    assert lists_of_members(chosen[:0]).to_list() == []
    assert lists_of_members(chosen[:0]).dtype == pl.List(pl.UInt16)


def test_types_are_those_of_the_contract() -> None:
    probabilities, labels = problem(3)
    table = ensembles_table(probabilities, labels, {}, None)
    assert table.schema["members"] == pl.List(pl.UInt16)
    assert table["members"].to_list()[0] == [0, 1]


def test_accuracies_have_wilson_intervals() -> None:
    labels = torch.tensor([1] * 8 + [0] * 2)  # the first member says 1 and is right on 8, the second says 2
    probabilities = torch.tensor([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])[:, None].expand(2, 10, 3)
    halves = [tally_of(probabilities[:, half::2], labels[half::2], subsets(2, "all")) for half in (0, 1)]
    table = accuracies_table("clean", ["a", "b"], halves)
    assert table.columns[:7] == ["position", "member", "dataset", "samples", "accuracy", "low", "high"]
    of_halves = [f"{name}_{half}" for name in ("right", "confidence") for half in ("even", "odd")]
    scores = ["nll", "nll_even", "nll_odd", "nll_clipped", "brier", "ece", "one_hot"]
    assert table.columns[7:] == [*of_halves, *scores]
    assert table.select("right_even", "right_odd").rows() == [(4, 4), (0, 0)]
    assert table["member"].to_list() == ["a", "b"]
    assert table["accuracy"].to_list() == [80, 0]
    # Wilson 1927: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)
    z, p, n = 1.959963984540054, np.array([0.8, 0]), 10
    centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    np.testing.assert_allclose(table["low"], 100 * (centre - half) / (1 + z * z / n), atol=1e-9)
    np.testing.assert_allclose(table["high"], 100 * (centre + half) / (1 + z * z / n))


@pytest.mark.parametrize("sizes", [[2], [1, 3], [2, 3, 4]])
def test_listed_sizes_give_the_same_rows_as_all(sizes: list[int]) -> None:
    probabilities, labels = problem(4)
    pairwise = {"disagreement": np.arange(16.0).reshape(4, 4) + np.arange(16.0).reshape(4, 4).T}
    whole = ensembles_table(probabilities, labels, pairwise, 0)
    listed = ensembles_table(probabilities, labels, pairwise, 0, sizes)
    assert whole.filter(pl.col("size").is_in(sizes)).equals(listed.filter(pl.col("size") > 1))


@given(st.integers(2, 7), st.integers(1, 40), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_equal_members_improve_by_exactly_nothing(members: int, samples: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (samples,), generator=generator)
    one = torch.randn(samples, 3, generator=generator).softmax(1)
    table = ensembles_table(one.expand(members, samples, 3), labels, {}, 0)
    for kind in ("mean", "best", "baseline"):
        assert set(table[f"improvement_over_{kind}"]) == {0}
    assert set(table["error_improvement_ratio"]) <= {0, None}


def test_one_sample_is_enough() -> None:
    probabilities = torch.tensor([[[0.6, 0.4]], [[0.1, 0.9]]])
    table = ensembles_table(probabilities, torch.tensor([1]), {"disagreement": np.eye(2) == 0}, None)
    assert table["accuracy"].to_list() == [100, 100]
    assert table["improvement_over_mean"].to_list() == [50, 50]
    assert table["error_improvement_ratio"].to_list() == [1, 1]
