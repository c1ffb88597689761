"""The Pareto front, and which of its points a member takes."""

import numpy as np
import polars as pl
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.networks.pareto import pareto_front
from scripts.lib.supernets.extract import from_search


def test_the_front_is_what_nothing_dominates() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        accuracies, macs = random.integers(0, 6, 20).astype(float), random.integers(1, 8, 20)
        on_front = pareto_front(accuracies, macs)
        for row in range(20):
            better = (accuracies >= accuracies[row]) & (macs <= macs[row])
            strictly = better & ((accuracies > accuracies[row]) | (macs < macs[row]))
            same = (accuracies == accuracies[row]) & (macs == macs[row])
            assert on_front[row] == (not strictly.any() and same.argmax() == row)


def found() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "depth": [[n] for n in range(6)],
            "width": [[8 * n, 16] for n in range(6)],
            "accuracy": [50.0, 60.0, 10.0, 70.0, 80.0, 90.0],
            "macs": [1, 2, 9, 3, 4, 5],
            "pareto": [True, True, False, True, True, True],
        }
    )


@pytest.mark.parametrize(("count", "points"), [(1, [5]), (2, [0, 5]), (3, [0, 3, 5]), (5, [0, 1, 3, 4, 5])])
def test_points_are_spread_over_the_front(count: int, points: list[int]) -> None:
    taken = [from_search(found(), {"count": count, "point": point})[0] for point in range(1, count + 1)]
    assert taken == [{"depth": [n], "width": {"0": 8 * n, "1": 16}} for n in points]


def test_more_points_than_the_front_has_are_refused() -> None:
    with pytest.raises(StudyError) as error:
        from_search(found(), {"count": 6, "point": 1})
    assert "only 5" in str(error.value)
