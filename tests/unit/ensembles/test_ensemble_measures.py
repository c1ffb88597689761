"""The classic measures of whole ensembles against their definitions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import joint_correctness
from kernels.correctness_measures import oracle_disagreement
from scripts.lib.ensembles.tables import ensemble_measures
from tests.unit.conftest import tally_of
from tests.unit.ensembles.test_tables import ensembles_table


def shares_of_failures(correct: np.ndarray) -> np.ndarray:
    """π_i, float64 [L + 1]: share of samples on which exactly i of the L members of `correct`, bool [L, N], fail."""
    return np.bincount((~correct).sum(0), minlength=len(correct) + 1) / correct.shape[1]


def definitions(correct: np.ndarray) -> dict[str, float]:
    """The measures of an ensemble of L > 1 members, `correct` bool [L, N], as docs/measures.md defines them."""
    members, share = len(correct), shares_of_failures(correct)
    right, failing = correct.sum(0), np.arange(members + 1)
    one = (failing / members * share).sum()
    two = (failing * (failing - 1) / (members * (members - 1)) * share).sum()
    coincident = sum((members - i) / (members - 1) * share[i] for i in failing[1:])
    return {
        "kw_variance": (right * (members - right)).mean() / members**2,
        "generalised_diversity": 1 - two / one if one > 0 else np.nan,
        "coincident_failure_diversity": coincident / (1 - share[0]) if share[0] < 1 else 0,
    }


def measures_of_all(correct: np.ndarray) -> dict[str, float]:
    """The measures that a study computes for the ensemble of all members of `correct`, bool [L, N]."""
    probabilities = torch.from_numpy(np.stack([correct, ~correct], axis=2)).double() * 0.8 + 0.1
    chosen = np.ones((1, len(correct)), dtype=bool)
    counts = tally_of(probabilities, torch.zeros(correct.shape[1], dtype=torch.int64), chosen)
    return {name: values.item() for name, values in ensemble_measures(counts, chosen).items()}


@given(st.integers(2, 6), st.integers(1, 30), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_measures_of_whole_ensembles_equal_their_definitions(members: int, samples: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (samples,), generator=generator)
    probabilities = torch.randn(members, samples, 2, generator=generator).softmax(2)
    correct = (probabilities.argmax(2) == labels).numpy()
    table = ensembles_table(probabilities, labels, {}, None, list(range(1, members + 1)))
    for row in table.filter(consensus="average").iter_rows(named=True):
        undefined = dict.fromkeys(("kw_variance", "generalised_diversity", "coincident_failure_diversity"), np.nan)
        for column, expected in (definitions(correct[row["members"]]) if row["size"] > 1 else undefined).items():
            value = np.nan if row[column] is None else row[column]
            assert value == pytest.approx(expected, nan_ok=True, abs=1e-12)


def test_measures_of_a_whole_ensemble_by_hand() -> None:
    correct = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0]], dtype=bool)
    assert shares_of_failures(correct).tolist() == [0.25, 0.5, 0, 0.25]
    measures = measures_of_all(correct)
    assert measures["kw_variance"] == pytest.approx((2 + 2) / (4 * 9))
    # p(1) = 1/3 · 1/2 + 1 · 1/4, p(2) = 1/4
    assert measures["generalised_diversity"] == pytest.approx(1 - (1 / 4) / (1 / 6 + 1 / 4))
    assert measures["coincident_failure_diversity"] == pytest.approx((2 / 2 * 0.5) / 0.75)


def test_ends_of_the_scales_of_measures_of_whole_ensembles() -> None:
    never_together = measures_of_all(~np.eye(4, dtype=bool))
    assert never_together["generalised_diversity"] == never_together["coincident_failure_diversity"] == 1
    together = measures_of_all(np.array([[True, False]] * 4))
    assert together["generalised_diversity"] == together["coincident_failure_diversity"] == 0
    perfect = measures_of_all(np.ones((4, 3), dtype=bool))
    assert np.isnan(perfect["generalised_diversity"])
    assert perfect["coincident_failure_diversity"] == 0


def test_one_member_has_no_diversity() -> None:
    assert np.isnan(list(measures_of_all(np.array([[True, False]])).values())).all()


@given(st.integers(2, 9), st.integers(1, 130), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_identities_of_measures_of_whole_ensembles(members: int, samples: int, seed: int) -> None:
    """Kohavi-Wolpert variance follows from oracle disagreement; generalised diversity from two random members."""
    correct = np.random.default_rng(seed).random((members, samples)) < 0.7
    measures = measures_of_all(correct)
    disagreement = oracle_disagreement(joint_correctness(torch.from_numpy(correct)), samples).numpy()
    mean = disagreement.sum() / (members * (members - 1))
    assert measures["kw_variance"] == pytest.approx((members - 1) / (2 * members) * mean, abs=1e-12)
    pairs = [(~correct[a] & ~correct[b]).mean() for a in range(members) for b in range(members) if a != b]
    expected = 1 - np.mean(pairs) / (~correct).mean() if not correct.all() else np.nan
    assert measures["generalised_diversity"] == pytest.approx(expected, nan_ok=True)
