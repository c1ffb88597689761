"""The balanced loss against its definition, image by image."""

import math

import numpy as np
import pytest
import torch

from scripts.lib.training.losses.spec import LOSS_TERMS, Outputs
from tests.unit.training.losses.reference import equal_members, gradients_are_right, outputs, value


def by_definition(of: Outputs) -> float:
    """Cross-entropy of the averaged probabilities, less the mean cross-entropy of the members."""
    probabilities = np.exp(of.logits.numpy()) / np.exp(of.logits.numpy()).sum(2, keepdims=True)
    rows = np.arange(len(of.labels))
    own = -np.log(probabilities[:, rows, of.labels])
    return float((-np.log(probabilities.mean(0)[rows, of.labels])).mean() - own.mean())


@pytest.mark.parametrize("seed", range(3))
def test_definition(seed: int) -> None:
    assert value("joint", outputs(seed)) == pytest.approx(by_definition(outputs(seed)), rel=1e-12)


def test_it_is_never_above_zero_and_zero_for_equal_members() -> None:
    assert value("joint", equal_members()) == pytest.approx(0, abs=1e-14)
    assert all(value("joint", outputs(seed, scale=3)) < 0 for seed in range(5))


def test_members_that_are_sure_of_the_wrong_class_keep_a_finite_loss() -> None:
    logits = torch.tensor([[[-1e4, 0.0]], [[1e4, 0.0]]], dtype=torch.float64)
    found = value("joint", Outputs(logits, torch.tensor([0])))
    assert found == pytest.approx(math.log(2) - 1e4 / 2)  # the average gives 1/2, the members 0 and 1


def test_gradient() -> None:
    of = outputs(1)
    assert gradients_are_right(lambda logits: LOSS_TERMS["joint"].value(Outputs(logits, of.labels)), of.logits)
