"""Which images the gallery of attribution maps shows."""

import numpy as np

from scripts.lib.report.drawings.attributions import choose_samples, spread
from scripts.lib.report.labels import MOST_MAPS


def test_samples_are_one_consensus_then_the_most_contested() -> None:
    predicted = np.array([[0, 1, 2, 0, 1], [0, 1, 1, 1, 0], [0, 1, 0, 0, 2]])
    labels = np.array([0, 2, 1, 1, 2])
    assert choose_samples(predicted, labels, 3) == [0, 2, 4]


def test_of_many_members_some_at_equal_distances_are_shown() -> None:
    names = [str(number) for number in range(560)]
    shown = spread(names)
    assert len(shown) == MOST_MAPS
    assert (shown[0], shown[-1]) == ("0", "559")
    distances = np.diff([int(name) for name in shown])
    assert set(distances) == {18, 19} or set(distances) == {18}
    assert spread(names[:MOST_MAPS]) == names[:MOST_MAPS]
    assert spread([]) == []
