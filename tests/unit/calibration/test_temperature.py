"""Temperatures, against scipy and scikit-learn, and what happens where there is no best one."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from scripts.lib.calibration import temperature
from scripts.lib.calibration.temperature import (
    FEW_SAMPLES,
    HIGHEST,
    LEAST_SAMPLES,
    LOWEST,
    ONE_HOT,
    best_temperature,
    fit_temperature,
    scaled,
)


def problem(samples: int, classes: int = 4, scale: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax has the true probabilities, times `scale`; and labels."""
    random = np.random.default_rng([seed, samples, classes])
    logits = 2 * random.normal(size=(samples, classes))
    labels = (logits + random.gumbel(size=logits.shape)).argmax(1)
    return scale * logits, labels


def tensors(logits: np.ndarray, labels: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(logits).double().log_softmax(1), torch.from_numpy(np.asarray(labels, np.int64))


def nll(log_temperature: float, logits: np.ndarray, labels: np.ndarray) -> float:
    values = log_softmax(logits / np.exp(log_temperature), axis=1)
    return -np.maximum(values[np.arange(len(labels)), labels], math.log(1e-12)).mean()


@pytest.mark.parametrize("classes", [2, 4, 100])
@pytest.mark.parametrize("scale", [0.1, 1, 12])
@pytest.mark.parametrize("samples", [60, 500])
def test_the_temperature_minimises_the_nll(classes: int, scale: float, samples: int) -> None:
    logits, labels = problem(samples, classes, scale)
    found = fit_temperature(*tensors(logits, labels))
    best = minimize_scalar(nll, (-3, 3), args=(logits, labels), tol=1e-10)
    assert found.value == pytest.approx(math.exp(best.x), rel=1e-5)
    assert found.after == pytest.approx(best.fun, rel=1e-12)
    assert found.before == pytest.approx(nll(0, logits, labels), rel=1e-12)
    assert found.at_limit is False
    assert found.reason is None


class Logits(ClassifierMixin, BaseEstimator):
    """A classifier of scikit-learn whose features are its logits."""

    def fit(self, features: np.ndarray, labels: np.ndarray) -> "Logits":
        self.classes_ = np.unique(labels)
        return self

    def decision_function(self, features: np.ndarray) -> np.ndarray:
        return features

    def predict(self, features: np.ndarray) -> np.ndarray:
        return self.classes_[features.argmax(1)]


@pytest.mark.parametrize("scale", [0.3, 1, 8])
def test_the_temperature_is_that_of_scikit_learn(scale: float) -> None:
    logits, labels = problem(400, 5, scale)
    model = CalibratedClassifierCV(FrozenEstimator(Logits().fit(logits, labels)), method="temperature")
    probabilities = model.fit(logits, labels).predict_proba(logits)
    own, _ = tensors(logits, labels)
    value = best_temperature(*tensors(logits, labels))
    # It searches to a tolerance of about 1e-4.
    np.testing.assert_allclose(scaled(own, value).exp().numpy(), probabilities, atol=1e-3)


def test_logits_and_their_logarithmic_probabilities_have_the_same_temperature() -> None:
    logits, labels = problem(200)
    own, true = tensors(logits, labels)
    assert best_temperature(torch.from_numpy(logits), true) == pytest.approx(best_temperature(own, true), rel=1e-9)


def test_a_scaled_forecast_needs_no_further_scaling() -> None:
    own, true = tensors(*problem(300, scale=7))
    assert best_temperature(scaled(own, best_temperature(own, true)), true) == pytest.approx(1, rel=1e-9)


def test_blocks_of_samples_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    own, true = tensors(*problem(103, scale=3))
    whole = fit_temperature(own, true)
    monkeypatch.setattr(temperature, "BLOCK_ELEMENTS", 40)
    parts = fit_temperature(own, true)
    assert (parts.value, parts.before, parts.after) == pytest.approx((whole.value, whole.before, whole.after))


def test_a_forecast_that_is_never_wrong_has_the_lowest_temperature() -> None:
    logits, _ = problem(80)
    found = fit_temperature(*tensors(logits, logits.argmax(1)))
    assert found.value == LOWEST
    assert found.at_limit is True
    assert found.after < 0.02  # two logits of a sample can be as near as that


def test_a_forecast_that_is_always_wrong_has_the_highest_temperature() -> None:
    logits, _ = problem(80)
    found = fit_temperature(*tensors(logits, logits.argmin(1)))
    assert found.value == HIGHEST
    assert found.after == pytest.approx(math.log(4), rel=1e-2)


@pytest.mark.parametrize("classes", [2, 3, 7, 10])
def test_equal_probabilities_keep_their_temperature(classes: int) -> None:
    labels = np.arange(60) % classes
    found = fit_temperature(*tensors(np.full((60, classes), 0.1), labels))
    assert (found.value, found.at_limit) == (1.0, False)
    assert found.before == found.after == pytest.approx(math.log(classes))


def test_labels_of_one_class_are_fitted_like_any_others() -> None:
    """Half of the samples are right with probability 0.9, half wrong with as much: 1/2 each would be best."""
    logits = np.repeat([[math.log(9), 0], [0, math.log(9)]], 40, axis=0)
    assert best_temperature(*tensors(logits, np.zeros(80))) == HIGHEST
    mostly = logits[20:]  # right in a third of the samples: still worse than 1/2 each
    assert best_temperature(*tensors(mostly, np.zeros(60))) == HIGHEST
    right = logits[:60]  # right in two thirds: the temperature turns 0.9 into 2/3
    assert best_temperature(*tensors(right, np.zeros(60))) == pytest.approx(math.log(9) / math.log(2), rel=1e-9)


def test_logits_of_ten_thousand() -> None:
    """Probabilities are 1 and 0 in float64, and the temperature still turns them into the share of right answers."""
    logits = np.repeat([[1e4, 0.0], [0.0, 1e4]], 50, axis=0)
    labels = np.zeros(100)
    labels[60:] = 1  # right on 90 of 100 samples
    own, true = tensors(logits, labels)
    assert fit_temperature(own, true).reason == ONE_HOT
    own = torch.cat([own, torch.tensor([[-math.log(2)] * 2], dtype=torch.float64)])  # one sample is undecided
    found = fit_temperature(own, torch.cat([true, true[:1]]))
    assert found.value == HIGHEST  # the best one is 1e4 / ln 9
    assert best_temperature(own / 100, torch.cat([true, true[:1]])) == pytest.approx(100 / math.log(9), rel=1e-9)


def test_one_extreme_sample_does_not_decide_for_all_others() -> None:
    """Its wrong logit of 1e5 counts as 27.6 nats; without this limit the best temperature would be above 1000."""
    logits, labels = problem(500, 4, 3)
    extreme = np.concatenate([logits, [[1e5, 0, 0, 0]]]), np.concatenate([labels, [1]])
    whole, without = fit_temperature(*tensors(*extreme)), fit_temperature(*tensors(logits, labels))
    assert whole.value == pytest.approx(without.value, rel=1e-9)
    assert whole.after == pytest.approx((500 * without.after - math.log(1e-12)) / 501)


def test_with_several_minima_the_best_one_is_found() -> None:
    """Against the best of ten thousand temperatures, for overconfident members of which some samples are clipped."""
    for seed in range(5):
        logits, labels = problem(60, 4, 40, seed)
        own, true = tensors(logits, labels)
        tried = np.linspace(math.log(LOWEST), math.log(HIGHEST), 10_000)
        losses = [nll(log_temperature, logits, labels) for log_temperature in tried]
        found = fit_temperature(own, true)
        assert found.after <= min(losses) + 1e-9


def test_votes_and_small_splits_have_no_temperature_but_a_reason() -> None:
    votes = np.log(np.maximum(np.eye(3)[np.arange(60) % 3], 1e-30))
    found = fit_temperature(*tensors(votes, np.zeros(60)))
    assert (found.value, found.after, found.at_limit, found.reason) == (None, None, None, ONE_HOT)
    few = fit_temperature(*tensors(*problem(LEAST_SAMPLES - 1)))
    assert (few.value, few.reason) == (None, FEW_SAMPLES)
    assert fit_temperature(*tensors(*problem(LEAST_SAMPLES))).value is not None
    one = fit_temperature(*tensors(*problem(1)))
    assert (one.value, one.reason) == (None, FEW_SAMPLES)
    assert math.isfinite(one.before)
