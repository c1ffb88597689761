"""Order statistics of probabilities: compiled code against plain torch and a plain loop."""

import numpy as np
import pytest
import torch

from kernels import consensus_order
from kernels.consensus_order import Statistic, order_statistic
from kernels.consensus_order_numba import STATISTICS, count_numba
from tests.unit.kernels.test_consensus_sweep import all_subsets, random_study

NUMPY = {"min": np.min, "median": np.median, "max": np.max}


def reference(scores: torch.Tensor, labels: torch.Tensor, ensembles: torch.Tensor, statistic: str) -> list[int]:
    values = scores.double().numpy()
    return [
        int((NUMPY[statistic](values[chosen.numpy()], axis=0).argmax(1) == labels.numpy()).sum())
        for chosen in ensembles
    ]


@pytest.mark.parametrize("statistic", ["min", "median", "max"])
@pytest.mark.parametrize("kind", ["random", "eighths", "zero", "one class each", "extreme"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 40, 7), (5, 90, 4), (6, 33, 40)])
def test_counts_equal_a_plain_loop(statistic: Statistic, kind: str, shape: tuple[int, int, int]) -> None:
    scores, labels = random_study(*shape, scale=1e4 if kind == "extreme" else 2)
    if kind == "eighths":
        scores = (8 * scores).round() / 8
    elif kind == "zero":
        scores = torch.zeros_like(scores)
    elif kind == "one class each":
        scores = torch.nn.functional.one_hot(scores.argmax(2), shape[2]).float()
    ensembles = torch.from_numpy(all_subsets(shape[0])).bool()
    expected = reference(scores, labels, ensembles, statistic)
    assert consensus_order(scores, labels, ensembles, statistic).tolist() == expected
    compiled = count_numba(scores, labels, ensembles, STATISTICS.index(statistic))
    assert compiled.tolist() == expected


def test_many_members_and_dtypes() -> None:
    scores, labels = random_study(40, 50, 6)
    scores = (scores * 256).round() / 256
    ensembles = torch.rand(20, 40, generator=torch.Generator().manual_seed(1)) < 0.5
    for dtype in (torch.float16, torch.float32, torch.float64):
        found = consensus_order(scores.to(dtype), labels.int(), ensembles, "median")
        assert found.tolist() == reference(scores, labels, ensembles, "median")
        compiled = count_numba(scores.to(dtype), labels, ensembles, 1)
        assert torch.equal(compiled, found)


def test_shards_add_up_and_the_compiled_code_is_used_for_large_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, labels = random_study(5, 100, 8)
    ensembles = torch.from_numpy(all_subsets(5)).bool()
    whole = consensus_order(scores, labels, ensembles, "median")
    monkeypatch.setattr("kernels.cpu.LEAST_OPERATIONS", 0)
    parts = [slice(0, 33), slice(33, 97), slice(97, 100)]
    found = sum(consensus_order(scores[:, p], labels[p], ensembles, "median") for p in parts)
    assert torch.equal(found, whole)


def test_the_median_of_an_even_number_is_the_mean_of_the_two_in_the_middle() -> None:
    values = torch.tensor([[[0.1]], [[0.5]], [[0.2]], [[0.9]]], dtype=torch.float64)
    assert order_statistic(values, "median").item() == pytest.approx(0.35)
    assert order_statistic(values, "min").item() == 0.1
    assert order_statistic(values, "max").item() == 0.9


def test_refuses_arguments() -> None:
    scores, labels = random_study(3, 4, 5)
    chosen = torch.ones(1, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match="statistic: expected one of min, median, max; got 'mean'"):
        consensus_order(scores, labels, chosen, "mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"ensembles: expected bool \[E, M\], got 'all'"):
        consensus_order(scores, labels, "all", "min")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"ensembles\[0\]: has no member"):
        consensus_order(scores, labels, ~chosen, "min")
    with pytest.raises(ValueError, match=r"labels\[0\]: 5 is outside"):
        consensus_order(scores, torch.tensor([5, 0, 0, 0]), chosen, "min")
    with pytest.raises(ValueError, match="labels: has 3 samples, probabilities has 4"):
        consensus_order(scores, labels[:3], chosen, "min")
    scores[1, 2, 3] = float("nan")
    with pytest.raises(ValueError, match=r"probabilities\[1, 2, 3\]: nan is not finite"):
        consensus_order(scores, labels, chosen, "min")
