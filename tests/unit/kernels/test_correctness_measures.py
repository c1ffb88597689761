import numpy as np
import pytest
import torch
from sklearn.metrics import cohen_kappa_score, matthews_corrcoef

from kernels import joint_correctness
from kernels.correctness_measures import (
    correctness_correlation,
    double_fault,
    error_consistency,
    oracle_disagreement,
    ratio_of_errors,
    yules_q,
)


@pytest.fixture(scope="module")
def correct() -> torch.Tensor:
    accuracies = torch.linspace(0.3, 0.9, 6)[:, None]
    easy = torch.rand(1, 500, generator=torch.Generator().manual_seed(0)) < 0.3
    return easy | (torch.rand(6, 500, generator=torch.Generator().manual_seed(1)) < accuracies)


def pairs(correct: torch.Tensor) -> list[tuple[int, int, np.ndarray, np.ndarray]]:
    values = correct.numpy()
    return [(i, j, values[i], values[j]) for i in range(len(values)) for j in range(i)]


def test_shares_of_samples(correct: torch.Tensor) -> None:
    joint = joint_correctness(correct)
    for i, j, x, y in pairs(correct):
        assert oracle_disagreement(joint, 500)[i, j] == (x != y).mean()
        assert double_fault(joint, 500)[i, j] == (~x & ~y).mean()


def test_correlation_is_matthews(correct: torch.Tensor) -> None:
    rho = correctness_correlation(joint_correctness(correct), 500)
    for i, j, x, y in pairs(correct):
        assert rho[i, j].item() == pytest.approx(matthews_corrcoef(x, y), abs=1e-12)


def test_error_consistency_is_cohens_kappa(correct: torch.Tensor) -> None:
    kappa = error_consistency(joint_correctness(correct), 500)
    for i, j, x, y in pairs(correct):
        assert kappa[i, j].item() == pytest.approx(cohen_kappa_score(x, y), abs=1e-12)


def test_yules_q_is_the_gamma_of_the_odds_ratio(correct: torch.Tensor) -> None:
    q = yules_q(joint_correctness(correct), 500)
    for i, j, x, y in pairs(correct):
        odds = (x & y).sum() * (~x & ~y).sum() / ((x & ~y).sum() * (~x & y).sum())
        assert q[i, j].item() == pytest.approx((odds - 1) / (odds + 1), abs=1e-12)


def test_nothing_by_nothing_is_nan() -> None:
    joint = joint_correctness(torch.tensor([[True, True], [True, False]]))
    assert yules_q(joint, 2)[0].isnan().all()
    assert correctness_correlation(joint, 2)[0].isnan().all()
    assert error_consistency(joint, 2)[0, 0].isnan()


def test_double_fault_is_a_share_of_all_samples() -> None:
    assert double_fault(joint_correctness(torch.tensor([[True, False, False, False]] * 2)), 4)[0, 1] == 0.75


def test_ratio_of_errors_counts_single_errors_for_each_shared_one(correct: torch.Tensor) -> None:
    ratio = ratio_of_errors(joint_correctness(correct), 500)
    for i, j, x, y in pairs(correct):
        assert ratio[i, j].item() == pytest.approx((x != y).sum() / (~x & ~y).sum(), rel=1e-12)
    assert ratio.diagonal().tolist() == [0] * 6


def test_ratio_of_errors_is_undefined_without_a_shared_error() -> None:
    """Neither infinite nor the largest number: one pair would decide every mean."""
    joint = joint_correctness(torch.tensor([[True, True, False], [True, False, True]]))
    ratio = ratio_of_errors(joint, 3)
    assert ratio[0, 1].isnan()
    assert ratio[0, 0] == 0
    assert ratio_of_errors(joint_correctness(torch.ones(1, 3, dtype=torch.bool)), 3).isnan().all()


def test_refuses() -> None:
    joint = torch.tensor([[3, 1], [1, 2]])
    with pytest.raises(ValueError, match=r"joint\[0, 0\]: 3 is outside \[0, 3\)"):
        double_fault(joint, 2)
    with pytest.raises(ValueError, match="samples: expected at least one, got 0"):
        double_fault(joint, 0)
    with pytest.raises(ValueError, match="joint: expected a square matrix"):
        double_fault(joint[:1], 3)
