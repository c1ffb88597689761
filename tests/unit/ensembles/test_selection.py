"""The best ensemble of each size."""

import numpy as np
import polars as pl
import pytest
import torch

from scripts.lib.ensembles.selection import (
    Samples,
    best_evaluated,
    best_of_each_size,
    forward_selection,
    selected_table,
)
from scripts.lib.inference.predictions import Predictions


def test_forward_selection_adds_what_helps_most_and_takes_the_first_of_equals() -> None:
    values = np.array([3, 7, 7, 5])
    steps = list(forward_selection(lambda chosen: chosen @ values, 4, 20, "test"))
    assert [np.flatnonzero(ensemble).tolist() for ensemble, _ in steps] == [[1], [1, 2], [1, 2, 3], [0, 1, 2, 3]]
    assert [count for _, count in steps] == [7, 14, 19, 22]


def test_forward_selection_goes_on_when_nothing_helps_and_stops_at_the_largest_size() -> None:
    values = np.array([5, -1, -3, -2])
    steps = list(forward_selection(lambda chosen: chosen @ values, 4, 3, "test"))
    assert [np.flatnonzero(ensemble).tolist() for ensemble, _ in steps] == [[0], [0, 1], [0, 1, 3]]


def test_each_step_is_the_best_single_addition() -> None:
    random = np.random.default_rng(0)
    table = {row: int(random.integers(1000)) for row in range(2**6)}
    numbers = 1 << np.arange(6)
    steps = [
        int(ensemble @ numbers)
        for ensemble, _ in forward_selection(
            lambda chosen: np.array([table[row] for row in (chosen @ numbers).tolist()]), 6, 6, "test"
        )
    ]
    before = 0
    for step in steps:
        additions = [before | bit for bit in numbers.tolist() if not before & bit]
        assert table[step] == max(table[ensemble] for ensemble in additions)
        assert step in additions
        before = step


@pytest.mark.parametrize("held_bytes", [0, 1 << 29])
@pytest.mark.parametrize("consensus", ["average", "vote"])
def test_greedy_selection_is_that_of_a_plain_loop_whether_probabilities_are_held_or_not(
    monkeypatch: pytest.MonkeyPatch, consensus: str, held_bytes: int
) -> None:
    monkeypatch.setattr("scripts.lib.ensembles.selection.HELD_BYTES", held_bytes)
    random = np.random.default_rng(3)
    logits, labels = random.normal(size=(25, 70, 5)).astype(np.float32), random.integers(5, size=70)
    logits[:, np.arange(70), labels] += np.linspace(0, 1.5, 25)[:, None]
    predictions = Predictions("clean", [str(member) for member in range(25)], [""] * 70, list(logits))
    samples = Samples(predictions, torch.from_numpy(labels), torch.device("cpu"))
    assert samples.fits == (held_bytes > 0)
    probabilities = torch.from_numpy(logits).double().softmax(2).numpy()
    votes = np.eye(5)[probabilities.argmax(2)]

    def right(members: list[int]) -> int:
        sums = probabilities[members].sum(0) + 1000 * votes[members].sum(0) * (consensus == "vote")
        return int((sums.argmax(1) == labels).sum())

    ensemble: list[int] = []
    for found, count in forward_selection(samples.counter(consensus), 25, 6, "test"):
        additions = {member: right([*ensemble, member]) for member in range(25) if member not in ensemble}
        ensemble.append(max(additions, key=lambda member: additions[member]))
        assert np.flatnonzero(found).tolist() == sorted(ensemble)
        assert count == right(ensemble)


def evaluated(sizes: list[int], accuracies: list[float], consensus: str = "vote") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "consensus": [consensus] * len(sizes),
            "size": pl.Series(sizes, dtype=pl.UInt16),
            "members": pl.Series([list(range(size)) for size in sizes], dtype=pl.List(pl.UInt16)),
            "accuracy": accuracies,
            "mean_member_accuracy": [50.0] * len(sizes),
            "best_member_accuracy": [60.0] * len(sizes),
        }
    )


def test_of_equally_accurate_ensembles_the_first_is_taken_for_each_consensus() -> None:
    tables = [
        evaluated([3, 2, 2, 2], [70.0, 60.0, 80.0, 80.0], "vote").with_columns(
            best_member_accuracy=pl.Series([1.0, 2, 3, 4])
        ),
        evaluated([2, 3, 3], [90.0, 10.0, 10.0], "average").with_columns(best_member_accuracy=pl.Series([5.0, 6, 7])),
    ]
    best = best_evaluated(pl.concat(tables), "all").sort("consensus", "size")
    assert best["consensus"].to_list() == ["average", "average", "vote", "vote"]
    assert best["accuracy"].to_list() == [90, 10, 80, 70]
    assert best["best_member_accuracy"].to_list() == [5, 6, 3, 1]
    assert best["found"].to_list() == ["all"] * 4


def test_the_best_of_each_size_is_taken_and_among_equals_the_earlier_table_wins() -> None:
    first = best_evaluated(evaluated([2, 2, 3], [70.0, 80.0, 75.0]), "sampled")
    chosen = [np.array([1, 1, 0, 0], bool), np.array([1, 1, 1, 0], bool), np.ones(4, bool)]
    greedy = selected_table("vote", list(zip(chosen, [80, 90, 85], strict=True)), np.array([50, 60, 40, 30.0]), 100)
    best = best_of_each_size([first, greedy])
    assert best["size"].to_list() == [2, 3, 4]
    assert best["accuracy"].to_list() == [80, 90, 85]
    assert best["found"].to_list() == ["sampled", "greedy", "greedy"]
    assert best["members"].to_list()[1:] == [[0, 1, 2], [0, 1, 2, 3]]
    assert best["mean_member_accuracy"].to_list() == pytest.approx([50, 50, 45])
    assert best["best_member_accuracy"].to_list() == [60, 60, 60]


@pytest.mark.parametrize("held_bytes", [0, 1 << 29])
@pytest.mark.parametrize("consensus", ["average", "vote"])
def test_correct_answers_of_each_sample_add_up_to_the_counts(
    monkeypatch: pytest.MonkeyPatch, consensus: str, held_bytes: int
) -> None:
    monkeypatch.setattr("scripts.lib.ensembles.selection.HELD_BYTES", held_bytes)
    monkeypatch.setattr("scripts.lib.ensembles.selection.DECIDED_ELEMENTS", 6 * 5 * 7)  # seven samples at once
    random = np.random.default_rng(4)
    logits, labels = random.normal(size=(6, 40, 5)).astype(np.float32), random.integers(5, size=40)
    predictions = Predictions("clean", list("abcdef"), [""] * 40, list(logits))
    samples = Samples(predictions, torch.from_numpy(labels), torch.device("cpu"))
    chosen = np.array([[bool(number >> member & 1) for member in range(6)] for number in (1, 5, 42, 63)])
    correct = samples.correct(consensus, chosen)
    assert correct.shape == (4, 40)
    np.testing.assert_array_equal(correct[0], logits[0].argmax(1) == labels)
    np.testing.assert_array_equal(correct.sum(1), samples.counter(consensus)(chosen))
    powers = np.exp(logits.astype(np.float64))
    probabilities = powers / powers.sum(2, keepdims=True)
    if consensus == "average":
        np.testing.assert_array_equal(correct[3], probabilities.mean(0).argmax(1) == labels)
