"""scikit-learn's digits are split without overlap, into as many images as the kind says."""

import numpy as np

from scripts.lib.datasets.spec import DATASET_KINDS


def test_digits_are_split_without_overlap() -> None:
    kind = DATASET_KINDS["digits"]
    training, validation = kind.read_training({}), kind.read_validation({}, 0)
    assert len(training) + len(validation) == 1797
    assert not set(training.samples) & set(validation.samples)
    for part in (training, validation):
        assert part.classes == list("0123456789")
        assert np.bincount(part.labels).min() > len(part) / 15
        assert max(np.asarray(image).max() for image in part.images) == 255
