"""Generalised negative correlation learning against the Hessian that autograd computes."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from scripts.lib.training.losses.spec import LOSS_TERMS, Outputs
from tests.unit.training.losses.reference import IMAGES, MEMBERS, equal_members, gradients_are_right, outputs, value


def by_hessian(of: Outputs) -> float:
    """- 1/2 mean of d' D d, where D is the Hessian of the cross-entropy at the mean logits."""
    total = 0.0
    for image in range(IMAGES):
        label, logits = of.labels[image], of.logits[:, image]
        centre = logits.mean(0)
        hessian = torch.autograd.functional.hessian(lambda z, label=label: cross_entropy(z, label), centre)
        total += sum((d @ hessian @ d).item() for d in logits - centre)
    return -total / (2 * MEMBERS * IMAGES)


@pytest.mark.parametrize("seed", range(3))
def test_definition(seed: int) -> None:
    assert value("gncl", outputs(seed)) == pytest.approx(by_hessian(outputs(seed)), rel=1e-10)


def test_it_is_the_balanced_loss_of_the_geometric_average_for_members_that_hardly_differ() -> None:
    of = outputs(3)
    close = Outputs(of.logits.mean(0) + 0.01 * (of.logits - of.logits.mean(0)), of.labels)
    of_members = np.mean([cross_entropy(logits, of.labels).item() for logits in close.logits])
    of_average = cross_entropy(close.logits.mean(0), of.labels).item()
    assert value("gncl", close) == pytest.approx(of_average - of_members, rel=0.01)


def test_equal_members_and_a_constant_added_to_logits() -> None:
    assert value("gncl", equal_members()) == pytest.approx(0, abs=1e-15)
    of = outputs(4)
    shifted = Outputs(of.logits + torch.randn(MEMBERS, IMAGES, 1, dtype=torch.float64), of.labels)
    assert value("gncl", shifted) == pytest.approx(value("gncl", of), rel=1e-10)


def test_gradient() -> None:
    of = outputs(1)
    assert gradients_are_right(lambda logits: LOSS_TERMS["gncl"].value(Outputs(logits, of.labels)), of.logits)
