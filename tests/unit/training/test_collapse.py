"""When members count as classifiers no more."""

import numpy as np

from scripts.lib.training.collapse import collapse

LABELS = np.arange(100) % 10


def test_members_at_chance() -> None:
    assert (
        collapse([10, 12, 18], LABELS) == "no member is better than chance"
    )  # 10 % and three standard errors are 19 %
    assert collapse([10, 80, 18], LABELS) == "only one member is better than chance"
    assert collapse([10, 80, 20], LABELS) == ""


def test_the_most_frequent_class_is_chance() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    assert collapse([90, 91], labels) == "no member is better than chance"


def test_one_class_only() -> None:
    assert collapse([100, 100], np.zeros(5, int)) == "no member is better than chance"
