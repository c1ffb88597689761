"""Which images the gallery of attribution maps shows."""

import numpy as np

from scripts.lib.report.drawings.attributions import choose_samples


def test_samples_are_one_consensus_then_the_most_contested() -> None:
    predicted = np.array([[0, 1, 2, 0, 1], [0, 1, 1, 1, 0], [0, 1, 0, 0, 2]])
    labels = np.array([0, 2, 1, 1, 2])
    assert choose_samples(predicted, labels, 3) == [0, 2, 4]
