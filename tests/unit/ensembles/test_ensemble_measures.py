"""The classic measures of whole ensembles against their definitions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import joint_correctness
from kernels.correctness_measures import correctness_correlation, double_fault, oracle_disagreement, yules_q
from scripts.lib.ensembles.contributions import all_subsets
from scripts.lib.ensembles.whole_ensembles import ensemble_measures
from tests.unit.conftest import tally_of
from tests.unit.ensembles.test_tables import ensembles_table


def shares_of_failures(correct: np.ndarray) -> np.ndarray:
    """π_i, float64 [L + 1]: share of samples on which exactly i of the L members of `correct`, bool [L, N], fail."""
    return np.bincount((~correct).sum(0), minlength=len(correct) + 1) / correct.shape[1]


def definitions(correct: np.ndarray) -> dict[str, float]:
    """The measures of an ensemble of L > 1 members, `correct` bool [L, N], as docs/measures.md defines them."""
    members, share = len(correct), shares_of_failures(correct)
    right, failing = correct.sum(0), np.arange(members + 1)
    accuracy, spread = correct.mean(), (right * (members - right)).mean() / (members * (members - 1))
    one = (failing / members * share).sum()
    two = (failing * (failing - 1) / (members * (members - 1)) * share).sum()
    coincident = sum((members - i) / (members - 1) * share[i] for i in failing[1:])
    return {
        "kw_variance": (right * (members - right)).mean() / members**2,
        "generalised_diversity": 1 - two / one if one > 0 else np.nan,
        "coincident_failure_diversity": coincident / (1 - share[0]) if share[0] < 1 else 0,
        "interrater_agreement": 1 - spread / (accuracy * (1 - accuracy)) if 0 < accuracy < 1 else np.nan,
        "entropy": (np.minimum(right, members - right) / (members - -(-members // 2))).mean(),
        "difficulty": (right / members).var(),
    }


def measures_of_all(correct: np.ndarray) -> dict[str, float]:
    """The measures that a study computes for the ensemble of all members of `correct`, bool [L, N]."""
    probabilities = torch.from_numpy(np.stack([correct, ~correct], axis=2)).double() * 0.8 + 0.1
    chosen = np.ones((1, len(correct)), dtype=bool)
    counts = tally_of(probabilities, torch.zeros(correct.shape[1], dtype=torch.int64), chosen)
    return {name: values.item() for name, values in ensemble_measures(counts, chosen).items()}


def fleiss(predicted: np.ndarray, classes: int) -> float:
    """Fleiss' kappa of the classes int [L, N] that L > 1 members predict, as Fleiss 1971 defines it."""
    raters, samples = predicted.shape
    table = np.stack([np.bincount(column, minlength=classes) for column in predicted.T])
    agreement = ((table**2).sum(1) - raters) / (raters * (raters - 1))
    by_chance = ((table.sum(0) / (samples * raters)) ** 2).sum()
    return (agreement.mean() - by_chance) / (1 - by_chance) if by_chance < 1 else np.nan


@given(st.integers(2, 6), st.integers(1, 30), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_measures_of_whole_ensembles_equal_their_definitions(members: int, samples: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(2, (samples,), generator=generator)
    probabilities = torch.randn(members, samples, 2, generator=generator).softmax(2)
    predicted = probabilities.argmax(2).numpy()
    correct = predicted == labels.numpy()
    table = ensembles_table(probabilities, labels, {}, None, list(range(1, members + 1)))
    for row in table.filter(consensus="average").iter_rows(named=True):
        several = row["members"] if row["size"] > 1 else [0, 0]  # a member has none of these alone
        expectations = definitions(correct[several]) | {"fleiss_kappa": fleiss(predicted[several], 2)}
        for column, expected in expectations.items():
            expected = expected if row["size"] > 1 else np.nan
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


# 15 samples × 10 members, 1 for a correct one: the example of brew's tests of the measures of Kuncheva & Whitaker 2003.
WORKED = [
    "1000001000", "0100101000", "1011010110", "1001110011", "1101110001",
    "1111010000", "1010001011", "0000100001", "0010011001", "0100100000",
    "0000010011", "1011000001", "0101100110", "1011111010", "1111001001",
]  # fmt: skip


def test_the_published_example_of_ten_members() -> None:
    correct = np.array([[digit == "1" for digit in sample] for sample in WORKED]).T
    measures = measures_of_all(correct)
    expected = {"kw_variance": 0.2200, "interrater_agreement": 0.0079, "entropy": 0.7200, "difficulty": 0.0264}
    expected |= {"generalised_diversity": 0.4365, "coincident_failure_diversity": 0.4889}
    assert {name: round(measures[name], 4) for name in expected} == expected
    joint = joint_correctness(torch.from_numpy(correct))
    pairwise = {yules_q: 0.0231, correctness_correlation: 0.0156, oracle_disagreement: 0.4889, double_fault: 0.3156}
    for measure, value in pairwise.items():
        found = measure(joint, 15).numpy()
        assert round((found.sum() - np.trace(found)) / 90, 4) == value, measure


@pytest.mark.parametrize(
    ("samples", "vote", "pairs", "kw", "gd", "cfd"),
    [
        (["110", "101", "011"] * 3 + ["000"], 0.9, (-0.5, -0.25), 0.2, 0.75, 0.9),
        (["111"] * 4 + ["100", "010", "001"] * 2, 0.4, (1 / 3, 1 / 6), 2 / 15, 0.5, 0.5),
    ],
    ids=["pattern of success", "pattern of failure"],
)
def test_the_patterns_of_success_and_of_failure(
    samples: list[str], vote: float, pairs: tuple[float, float], kw: float, gd: float, cfd: float
) -> None:
    """Kuncheva & Whitaker 2003: three members of equal accuracy and ten samples."""
    correct = np.array([[digit == "1" for digit in sample] for sample in samples]).T
    assert correct.mean(1).tolist() == [0.6] * 3
    assert (correct.sum(0) >= 2).mean() == vote
    measures = measures_of_all(correct)
    assert measures["kw_variance"] == pytest.approx(kw)
    assert measures["generalised_diversity"] == pytest.approx(gd)
    assert measures["coincident_failure_diversity"] == pytest.approx(cfd)
    joint = joint_correctness(torch.from_numpy(correct))
    for measure, value in zip((yules_q, correctness_correlation), pairs, strict=True):
        found = measure(joint, 10).numpy()
        assert found[~np.eye(3, dtype=bool)].tolist() == pytest.approx([value] * 6)


# Fleiss 1971 as on Wikipedia: 14 raters, 10 subjects, 5 categories; kappa .20993.
RATINGS = """
0 0 0 0 14
0 2 6 4 2
0 0 3 5 6
0 3 9 2 0
2 2 8 1 1
7 7 0 0 0
3 2 6 3 0
2 5 3 2 2
6 5 2 1 0
0 2 2 3 7
"""


def test_the_published_example_of_fleiss_kappa() -> None:
    counts = np.array([row.split() for row in RATINGS.split("\n") if row], dtype=int)
    predicted = np.stack([np.repeat(np.arange(5), row) for row in counts], axis=1)
    probabilities = torch.nn.functional.one_hot(torch.from_numpy(predicted), 5).double() * 0.9 + 0.02
    tally = tally_of(probabilities, torch.zeros(10, dtype=torch.int64), np.ones((1, 14), bool))
    found = ensemble_measures(tally, np.ones((1, 14), bool))["fleiss_kappa"].item()
    assert found == pytest.approx(0.20993, abs=5e-6)
    assert found == pytest.approx(fleiss(predicted, 5))


def test_ends_of_the_scales_of_agreement() -> None:
    together = measures_of_all(np.array([[True, False]] * 4))
    assert (together["interrater_agreement"], together["fleiss_kappa"]) == (1, 1)
    assert (together["entropy"], together["difficulty"]) == (0, 0.25)
    split = measures_of_all(np.array([[True, False], [False, True]] * 2))
    assert (split["entropy"], split["difficulty"]) == (1, 0)
    assert [split["interrater_agreement"], split["fleiss_kappa"]] == pytest.approx([-1 / 3] * 2)
    for same in (np.ones((3, 4), bool), np.zeros((3, 4), bool)):
        alike = measures_of_all(same)
        assert np.isnan([alike["interrater_agreement"], alike["fleiss_kappa"]]).all()
        assert (alike["entropy"], alike["difficulty"]) == (0, 0)


def test_identity_of_interrater_agreement_and_kw_variance_for_every_ensemble() -> None:
    """κ = 1 − L / ((L − 1) p̄ (1 − p̄)) · KW (Kuncheva & Whitaker 2003)."""
    correct = np.random.default_rng(3).random((6, 90)) < 0.6
    probabilities = torch.from_numpy(np.stack([correct, ~correct], axis=2)).double() * 0.8 + 0.1
    chosen = all_subsets(6)
    measures = ensemble_measures(tally_of(probabilities, torch.zeros(90, dtype=torch.int64), chosen), chosen)
    for row, ensemble in enumerate(chosen):
        size, accuracy = ensemble.sum(), correct[ensemble].mean()
        if size > 1:
            expected = 1 - size / ((size - 1) * accuracy * (1 - accuracy)) * measures["kw_variance"][row]
            assert measures["interrater_agreement"][row] == pytest.approx(expected)
        else:
            assert all(np.isnan(values[row]) for values in measures.values())
