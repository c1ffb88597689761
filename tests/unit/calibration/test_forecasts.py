"""Which forecasts are judged, and what they say."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax
from scipy.stats import entropy

from scripts.lib.calibration import forecasts as module
from scripts.lib.calibration.forecasts import (
    ALL_MEMBERS,
    ARITHMETIC,
    AVERAGE,
    BEST_OF_SIZE,
    GEOMETRIC,
    MEMBER,
    MEMBERS,
    NONE,
    Forecast,
    forecasts,
    forecasts_of_table,
    forecasts_table,
    logs_of_members,
)
from tests.unit.calibration.problem import CPU, deployed


def logs(members: int, samples: int = 20, classes: int = 3, scale: float = 2.0, seed: int = 0) -> torch.Tensor:
    random = np.random.default_rng([seed, members, samples])
    return torch.from_numpy(log_softmax(scale * random.normal(size=(members, samples, classes)), axis=2))


def test_members_and_both_averages_of_the_chosen_ensembles() -> None:
    listed = forecasts(4, deployed([1, 3], [2], [0, 1, 3]))
    assert listed[:4] == [Forecast(MEMBER, (member,)) for member in range(4)]
    ensembles = [((1, 3), BEST_OF_SIZE, True), ((0, 1, 3), BEST_OF_SIZE, False), ((0, 1, 2, 3), ALL_MEMBERS, False)]
    assert listed[4:] == [
        Forecast(role, members, averaging, recommended)
        for members, role, recommended in ensembles
        for averaging in (ARITHMETIC, GEOMETRIC)
    ]
    assert forecasts_of_table(forecasts_table(listed)) == listed
    assert listed[0].scalings == (NONE, MEMBERS)
    assert listed[4].scalings == (NONE, MEMBERS, AVERAGE)


def test_the_chosen_ensemble_of_all_members_is_listed_once() -> None:
    listed = forecasts(2, deployed([0, 1], [1]))
    assert listed[2:] == [Forecast(ALL_MEMBERS, (0, 1), averaging, True) for averaging in (ARITHMETIC, GEOMETRIC)]


def test_a_recommended_member() -> None:
    listed = forecasts(2, deployed([1], [0, 1]))
    assert [forecast.recommended for forecast in listed] == [False, True, False, False]


def test_only_members_without_a_consensus_that_averages_and_with_one_member() -> None:
    assert forecasts(3, None) == [Forecast(MEMBER, (member,)) for member in range(3)]
    assert forecasts(1, deployed([0])) == [Forecast(MEMBER, (0,), None, True)]


def test_ensembles_that_were_chosen_for_their_cost_are_left_out() -> None:
    chosen = deployed([0, 1], [0, 1, 2]).with_columns(chosen_for=np.array(["size", "cost"]))
    assert [forecast.members for forecast in forecasts(4, chosen)[4::2]] == [(0, 1), (0, 1, 2, 3)]


@pytest.mark.parametrize("members", [1, 2, 5])
@pytest.mark.parametrize("scale", [1, 300])
def test_averages_are_those_of_scipy(members: int, scale: float) -> None:
    values = logs(members, scale=scale)
    probabilities = values.exp().numpy()
    arithmetic = Forecast(ALL_MEMBERS, tuple(range(members)), ARITHMETIC).log_probabilities(values).exp()
    np.testing.assert_allclose(arithmetic, probabilities.mean(0), rtol=1e-12, atol=1e-300)
    geometric = Forecast(ALL_MEMBERS, tuple(range(members)), GEOMETRIC).log_probabilities(values).exp()
    np.testing.assert_allclose(geometric, softmax(values.numpy().mean(0), axis=1), rtol=1e-10, atol=1e-300)
    if scale == 1:
        product = np.prod(probabilities, axis=0) ** (1 / members)
        np.testing.assert_allclose(geometric, product / product.sum(1, keepdims=True), rtol=1e-12)


@given(st.integers(1, 6), st.integers(1, 20), st.integers(2, 6), st.sampled_from([0.1, 2, 30]), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_ambiguity_is_the_distance_and_the_divergence_of_the_members(
    members: int, samples: int, classes: int, scale: float, seed: int
) -> None:
    """Also the identities of Wood et al. 2023: the score of the average is the members' mean score minus ambiguity."""
    values, everyone = logs(members, samples, classes, scale, seed), tuple(range(members))
    probabilities, truth = values.exp().numpy(), np.eye(classes)[np.arange(samples) % classes]
    arithmetic, geometric = (Forecast(ALL_MEMBERS, everyone, averaging) for averaging in (ARITHMETIC, GEOMETRIC))
    mean, squared = arithmetic.log_probabilities(values).exp().numpy(), arithmetic.ambiguity(values).numpy()
    np.testing.assert_allclose(squared, ((probabilities - mean) ** 2).sum(2).mean(0), atol=1e-14)
    scores = ((probabilities - truth) ** 2).sum(2).mean(0)
    np.testing.assert_allclose(((mean - truth) ** 2).sum(1), scores - squared, atol=1e-13)
    average, divergence = geometric.log_probabilities(values).numpy(), geometric.ambiguity(values).numpy()
    expected = np.mean([entropy(np.exp(average), member, axis=1) for member in probabilities], axis=0)
    np.testing.assert_allclose(divergence, expected, rtol=1e-9, atol=1e-12)
    losses = -(values.numpy() * truth).sum(2).mean(0)
    np.testing.assert_allclose(-(average * truth).sum(1), losses - divergence, rtol=1e-12, atol=1e-12)
    assert (divergence >= -1e-15).all()


def test_equal_members_have_no_ambiguity_and_their_own_probabilities() -> None:
    values = logs(1).expand(4, -1, -1)
    for averaging in (ARITHMETIC, GEOMETRIC):
        forecast = Forecast(ALL_MEMBERS, (0, 1, 2, 3), averaging)
        np.testing.assert_allclose(forecast.log_probabilities(values), values[0], atol=1e-14)
        np.testing.assert_allclose(forecast.ambiguity(values), 0, atol=1e-14)
    assert Forecast(MEMBER, (0,)).ambiguity(values[:1]) is None


def test_logits_of_ten_thousand_stay_finite() -> None:
    """Two members that are sure of different classes: their arithmetic average is undecided, and so is the other."""
    logits = [np.array([[1e4, -1e4, 0]], np.float32), np.array([[-1e4, 1e4, 0]], np.float32)]
    [(_, values)] = logs_of_members(logits, np.array([0]), 1, CPU)
    np.testing.assert_array_equal(values[0], [[0, -2e4, -1e4]])
    arithmetic = Forecast(ALL_MEMBERS, (0, 1), ARITHMETIC).log_probabilities(values)
    np.testing.assert_allclose(arithmetic, [[-math.log(2), -math.log(2), -1e4]])
    geometric = Forecast(ALL_MEMBERS, (0, 1), GEOMETRIC)
    np.testing.assert_allclose(geometric.log_probabilities(values).exp(), [[1 / 3] * 3])
    assert geometric.ambiguity(values).item() == pytest.approx(1e4 - math.log(3))


def test_members_are_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    logits, rows = list(random.normal(size=(3, 50, 4)).astype(np.float32)), np.arange(1, 50, 2)
    [(place, whole)] = logs_of_members(logits, rows, 2, CPU)
    assert place == slice(0, 25)
    np.testing.assert_allclose(whole, log_softmax(np.stack(logits)[:, rows].astype(float), axis=2), atol=1e-14)
    monkeypatch.setattr(module, "BLOCK_BYTES", 8 * 2 * 4 * 3 * 10)
    pieces = list(logs_of_members(logits, rows, 2, CPU))
    assert [piece for piece, _ in pieces] == [slice(0, 10), slice(10, 20), slice(20, 25)]
    np.testing.assert_array_equal(torch.cat([values for _, values in pieces], dim=1), whole)
    monkeypatch.setattr(module, "BLOCK_BYTES", 1)
    assert len(list(logs_of_members(logits, rows, 2, CPU))) == 25
