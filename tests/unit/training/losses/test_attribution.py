"""Cosines of attribution maps against scikit-learn's."""

from itertools import combinations

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

from scripts.lib.training.losses.spec import LOSS_TERMS, Outputs
from tests.unit.training.losses.reference import IMAGES, MEMBERS, equal_members, gradients_are_right, outputs, value


@pytest.mark.parametrize("seed", range(3))
def test_definition(seed: int) -> None:
    of = outputs(seed)
    assert of.maps is not None
    flat = of.maps.flatten(2).numpy()
    pairs = combinations(range(MEMBERS), 2)
    found = [cosine_similarity(flat[i, [n]], flat[j, [n]])[0, 0] for i, j in pairs for n in range(IMAGES)]
    assert value("attribution", of) == pytest.approx(np.mean(found), rel=1e-12)


def test_equal_maps_and_maps_of_zeros() -> None:
    assert value("attribution", equal_members()) == pytest.approx(1)
    of = outputs(1)
    assert value("attribution", Outputs(of.logits, of.labels, maps=torch.zeros(2, IMAGES, 3, 3))) == 0


def test_gradient() -> None:
    of = outputs(1)
    assert of.maps is not None
    term = LOSS_TERMS["attribution"].value
    assert gradients_are_right(lambda maps: term(Outputs(of.logits, of.labels, maps=maps)), of.maps)
