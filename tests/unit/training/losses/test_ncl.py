"""Negative correlation learning against the penalty that Liu & Yao print."""

import numpy as np
import pytest

from scripts.lib.training.losses.spec import LOSS_TERMS, Outputs
from tests.unit.training.losses.reference import MEMBERS, equal_members, gradients_are_right, outputs, value


def penalty_of_liu_and_yao(of: Outputs) -> float:
    """Mean over members and images of (p_i - p) · sum over j ≠ i of (p_j - p)."""
    exponentials = np.exp(of.logits.numpy())
    deviations = exponentials / exponentials.sum(2, keepdims=True)
    deviations = deviations - deviations.mean(0)
    others = [deviations[[j for j in range(MEMBERS) if j != i]].sum(0) for i in range(MEMBERS)]
    return float(np.mean([(deviations[i] * others[i]).sum(1) for i in range(MEMBERS)]))


@pytest.mark.parametrize("seed", range(3))
def test_definition(seed: int) -> None:
    assert value("ncl", outputs(seed)) == pytest.approx(penalty_of_liu_and_yao(outputs(seed)), rel=1e-12)


def test_brier_score_of_the_average_is_that_of_the_members_plus_the_term() -> None:
    """Krogh & Vedelsby's decomposition: with weight 1, the Brier score of the average would be trained."""
    of = outputs(2)
    probabilities = of.logits.softmax(2).numpy()
    truth = np.eye(probabilities.shape[2])[of.labels]
    of_members = ((probabilities - truth) ** 2).sum(2).mean()
    of_average = ((probabilities.mean(0) - truth) ** 2).sum(1).mean()
    assert of_members + value("ncl", of) == pytest.approx(of_average, rel=1e-12)


def test_equal_members() -> None:
    assert value("ncl", equal_members()) == pytest.approx(0, abs=1e-15)


def test_gradient_through_the_average() -> None:
    of = outputs(1)
    assert gradients_are_right(lambda logits: LOSS_TERMS["ncl"].value(Outputs(logits, of.labels)), of.logits)
