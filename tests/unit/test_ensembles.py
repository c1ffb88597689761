"""Ensembles: which there are, how good and how diverse each is."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
import torch

from scripts.lib.ensembles import accuracies_table, ensembles_table, mean_pairwise, subsets
from scripts.lib.errors import StudyError
from scripts.lib.predictions import Predictions

SETTINGS = {"sizes": "all", "consensus": ["average", "vote"]}


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


def test_all_subsets_come_by_size_and_then_in_lexicographic_order() -> None:
    expected = [combination for size in (2, 3, 4) for combination in combinations(range(4), size)]
    assert [tuple(np.flatnonzero(row)) for row in subsets(4, "all")] == expected


def test_sizes_may_be_chosen() -> None:
    assert sorted(set(subsets(5, [1, 4]).sum(1))) == [1, 4]
    assert len(subsets(5, [1, 4])) == 5 + 5


def test_more_members_than_an_exhaustive_sweep_allows_are_refused() -> None:
    with pytest.raises(StudyError, match=r"21 members are too many .* most is 20"):
        subsets(21, "all")


@pytest.mark.parametrize("members", [2, 4])
def test_every_row_is_what_a_plain_loop_gives(members: int) -> None:
    probabilities, labels = problem(members)
    matrix = np.arange(members * members, dtype=float).reshape(members, members)
    matrix = matrix + matrix.T
    table = ensembles_table(probabilities, labels, SETTINGS, {"disagreement": matrix}, baseline=1)
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
    settings = {"sizes": [1], "consensus": ["average"]}
    table = ensembles_table(probabilities, labels, settings, {"disagreement": np.ones((3, 3))}, None)
    assert table["disagreement"].to_list() == [None, None, None]
    assert table["improvement_over_mean"].to_list() == [0, 0, 0]
    assert "improvement_over_baseline" not in table.columns


def test_members_without_an_error_have_no_error_improvement_ratio() -> None:
    labels = torch.tensor([0, 1])
    probabilities = torch.eye(2).expand(2, 2, 2)
    table = ensembles_table(probabilities, labels, SETTINGS, {}, None)
    assert table["accuracy"].to_list() == [100, 100]
    assert table["error_improvement_ratio"].to_list() == [None, None]


def test_a_pair_without_a_value_leaves_the_other_ensembles_alone() -> None:
    matrix = np.array([[1, np.nan, 0.5], [np.nan, 1, 0.2], [0.5, 0.2, 1]])
    values = mean_pairwise(subsets(3, "all"), matrix)
    np.testing.assert_allclose(values, [np.nan, 0.5, 0.2, np.nan])


def test_types_are_those_of_the_contract() -> None:
    probabilities, labels = problem(3)
    table = ensembles_table(probabilities, labels, SETTINGS, {}, None)
    assert table.schema["members"] == pl.List(pl.UInt16)
    assert table["members"].to_list()[0] == [0, 1]


def test_accuracies_have_wilson_intervals() -> None:
    logits = np.zeros((10, 2), np.float32)
    logits[:8, 1] = 1
    table = accuracies_table(Predictions("clean", ["a"], [logits]), torch.ones(10, dtype=torch.int64))
    # Wilson 1927 for 8 of 10: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)
    z, p, n = 1.959963984540054, 0.8, 10
    centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert table["accuracy"].item() == 80
    assert table["low"].item() == pytest.approx(100 * (centre - half) / (1 + z * z / n))
    assert table["high"].item() == pytest.approx(100 * (centre + half) / (1 + z * z / n))
