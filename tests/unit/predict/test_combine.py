"""What an ensemble predicts, against formulas written out."""

import numpy as np
import pytest

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS, LOGARITHMS
from scripts.lib.predict.combine import combined
from scripts.lib.predict.deployed import Deployed

LOGITS = np.random.default_rng(0).normal(size=(3, 50, 4)).astype(np.float32) * 3


def deployed(
    consensus: str, weights: tuple[float, ...] = (1 / 3,) * 3, temperatures: tuple[float, ...] = (1,) * 3
) -> Deployed:
    return Deployed("one", ("a", "b", "c"), weights, temperatures, consensus, ("w", "x", "y", "z"))


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(-1, keepdims=True))
    found: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return found


@pytest.mark.parametrize("consensus", ["average", "calibrated"])
def test_weighted_averages_of_scaled_members(consensus: str) -> None:
    weights, temperatures = (0.5, 0.3, 0.2), (0.5, 1.0, 4.0) if consensus == "calibrated" else (1.0,) * 3
    values, classes = combined(deployed(consensus, weights, temperatures), list(LOGITS))
    scaled = LOGITS.astype(np.float64) / np.array(temperatures)[:, None, None]
    expected = np.einsum("m,mnc->nc", weights, softmax(scaled))
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    np.testing.assert_array_equal(classes, expected.argmax(1))


@pytest.mark.parametrize("consensus", list(CONSENSUS_METHODS))
@pytest.mark.parametrize("kind", ["random", "hard votes", "one member"])
def test_values_sum_to_one_and_classes_are_those_that_the_study_counted(consensus: str, kind: str) -> None:
    logits = LOGITS if kind != "hard votes" else np.where(LOGITS.max(2, keepdims=True) == LOGITS, 0, -69.0)
    logits = logits[:1] if kind == "one member" else logits
    choice = deployed(consensus, (1 / len(logits),) * len(logits), (1.0,) * len(logits))
    values, classes = combined(choice, list(logits.astype(np.float32)))
    np.testing.assert_allclose(values.sum(1), 1, rtol=1e-9)
    assert (values >= 0).all()
    # The class has the largest value; ties are broken by the method.
    assert (values[np.arange(len(classes)), classes] >= values.max(1) - 1e-9).all()
    if kind == "one member":
        np.testing.assert_array_equal(classes, logits[0].argmax(1))
    method = CONSENSUS_METHODS[consensus]
    if method.form == LOGARITHMS:
        np.testing.assert_allclose(values, softmax(logits.astype(np.float64).mean(0)), rtol=1e-9)


@pytest.mark.parametrize("consensus", ["average", "vote", "median"])
def test_samples_are_combined_in_parts(consensus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = combined(deployed(consensus), list(LOGITS))
    monkeypatch.setattr("scripts.lib.predict.combine.SAMPLES_AT_ONCE", 7)
    for one, other in zip(whole, combined(deployed(consensus), list(LOGITS)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_shares_of_votes_and_statistics() -> None:
    probabilities = np.array([[[0.5, 0.3, 0.2, 0.0]], [[0.4, 0.5, 0.1, 0.0]], [[0.6, 0.2, 0.1, 0.1]]])
    logits = np.log(np.maximum(probabilities, 1e-30)).astype(np.float32)
    found = {name: combined(deployed(name), list(logits))[0][0] for name in CONSENSUS_METHODS}
    np.testing.assert_allclose(found["vote"], [2 / 3, 1 / 3, 0, 0])
    np.testing.assert_allclose(found["median"], np.array([0.5, 0.3, 0.1, 0]) / 0.9, atol=1e-6)
    np.testing.assert_allclose(found["min"], np.array([0.4, 0.2, 0.1, 0]) / 0.7, atol=1e-6)
    np.testing.assert_allclose(found["max"], np.array([0.6, 0.5, 0.2, 0.1]) / 1.4, atol=1e-6)
    np.testing.assert_allclose(found["average"], [0.5, 1 / 3, 0.4 / 3, 0.1 / 3], atol=1e-6)


def test_equal_averages_but_for_rounding_go_to_the_lowest_class() -> None:
    hard = np.full((3, 1, 3), -1000.0, np.float32)
    for member, label in enumerate((2, 1, 0)):
        hard[member, 0, label] = 0
    values, classes = combined(deployed("average", (0.3, 0.3, 0.4)), list(hard))
    assert classes.tolist() == [0]
    assert combined(deployed("average", (1 / 3, 1 / 3, 1 - 2 / 3)), list(hard))[1].tolist() == [0]
    assert values.tolist() == [[0.4, 0.3, 0.3]]
