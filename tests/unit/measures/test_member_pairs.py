"""Pairs of members sample by sample, compared with plain loops."""

import numpy as np
import pytest

from scripts.lib.measures import member_pairs as module
from scripts.lib.measures.member_pairs import described_samples, pairs_table, telling_samples


@pytest.fixture
def predicted() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    labels = random.integers(0, 3, 50)
    return np.where(random.random((5, 50)) < 0.5, labels, random.integers(0, 3, (5, 50))), labels


def test_counts_are_those_of_plain_loops(predicted: tuple[np.ndarray, np.ndarray]) -> None:
    classes, labels = predicted
    names = list("vwxyz")
    rows = pairs_table(names, classes, labels, 3).to_dicts()
    assert [(row["member_a"], row["member_b"]) for row in rows] == [
        (a, b) for i, a in enumerate(names) for b in names[i + 1 :]
    ]
    for row in rows:
        a, b = names.index(row["member_a"]), names.index(row["member_b"])
        pairs = list(zip(classes[a].tolist(), classes[b].tolist(), labels.tolist(), strict=True))
        assert row["both_right"] == sum(x == y == label for x, y, label in pairs)
        assert row["only_a"] == sum(x == label != y for x, y, label in pairs)
        assert row["only_b"] == sum(y == label != x for x, y, label in pairs)
        assert row["neither"] == sum(x != label != y for x, y, label in pairs)
        assert row["same"] == sum(x == y for x, y, _ in pairs) == sum(row["same_by_class"])
        assert row["same_by_class"] == [sum(x == y for x, y, label in pairs if label == c) for c in range(3)]


def test_equal_members_and_one_sample() -> None:
    [row] = pairs_table(["a", "b"], np.array([[1], [1]]), np.array([1]), 2).to_dicts()
    assert [row[name] for name in ("both_right", "only_a", "only_b", "neither", "same")] == [1, 0, 0, 0, 1]
    assert row["same_by_class"] == [0, 1]


def test_one_member_has_no_pairs() -> None:
    table = pairs_table(["a"], np.array([[0, 1]]), np.array([0, 0]), 2)
    assert table.is_empty()
    assert table.schema == pairs_table(["a", "b"], np.array([[0], [0]]), np.array([0]), 2).schema


def test_many_members_have_no_classes_and_no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MEMBERS", 1)
    [row] = pairs_table(["a", "b"], np.array([[1], [0]]), np.array([1]), 2).to_dicts()
    assert row["same_by_class"] is None
    assert row["only_a"] == 1
    assert telling_samples(np.array([[True], [False]])) == []


def test_samples_are_chosen_by_the_pairs_that_still_lack_them() -> None:
    right = np.array(
        [
            [1, 1, 1, 0, 1, 1],
            [1, 0, 0, 1, 0, 0],
            [0, 0, 1, 0, 1, 0],
        ]
    ).astype(bool)
    # Row 1 tells 0 from 1 and 2 (two pairs), as do 0 (0, 1 from 2), 2 and 3 (1 from 0, 2); the first of them is 0.
    chosen = telling_samples(right)
    assert chosen == plain_choice(right)
    assert chosen[0] == 0


def plain_choice(right: np.ndarray) -> list[int]:
    """The same rule, one pair and one sample at a time."""
    members, samples = right.shape
    lacking = {(a, b): module.TIMES for a in range(members) for b in range(members)}
    chosen: list[int] = []
    while len(chosen) < module.MOST_SAMPLES:
        told = {
            s: [(a, b) for (a, b), times in lacking.items() if times > 0 and right[a, s] and not right[b, s]]
            for s in range(samples)
            if s not in chosen
        }
        best = max(told, key=lambda s: (len(told[s]), -s), default=None)
        if best is None or not told[best]:
            return chosen
        chosen.append(best)
        for pair in lacking:
            lacking[pair] -= bool(right[pair[0], best] and not right[pair[1], best])
    return chosen


@pytest.mark.parametrize("seed", range(5))
def test_random_choices_follow_the_rule(seed: int) -> None:
    right = np.random.default_rng(seed).random((6, 40)) < 0.6
    assert telling_samples(right) == plain_choice(right)


def test_equal_members_have_no_telling_samples() -> None:
    assert telling_samples(np.ones((3, 4), dtype=bool)) == []
    assert telling_samples(np.zeros((3, 0), dtype=bool)) == []


def test_samples_are_described_by_row_id_label_and_predictions() -> None:
    found = described_samples([2], ["a", "b", "c"], np.array([0, 1, 2]), np.array([[0, 0, 1], [2, 2, 2]]))
    assert found == [{"row": 2, "id": "c", "label": 2, "predicted": [1, 2]}]
