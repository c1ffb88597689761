import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernels import average_nll, cpu
from kernels.average_nll import FLOOR
from kernels.subsets import Ensembles
from tests.unit.kernels.test_consensus_sweep import all_subsets


def reference(probabilities: torch.Tensor, ensembles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exactly rounded sums of float64 logarithms, in a plain loop; and how many means are below the floor."""
    sums, clipped = [], []
    for chosen in ensembles.astype(bool):
        means = [math.fsum(column) / chosen.sum() for column in probabilities.double().numpy()[chosen].T]
        sums.append(math.fsum(-math.log(max(mean, FLOOR)) for mean in means))
        clipped.append(sum(mean < FLOOR for mean in means))
    return np.array(sums), np.array(clipped)


def true_probabilities(members: int, samples: int, scale: float = 3.0, seed: int = 0) -> torch.Tensor:
    """Probabilities of one of five classes, float64 [members, samples], of models that share half of their error."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(members, samples, 5, generator=generator, dtype=torch.float64)
    logits += torch.randn(samples, 5, generator=generator, dtype=torch.float64)
    logits[..., 0] += 1
    return (scale * logits).softmax(2)[..., 0]


def assert_as_defined(probabilities: torch.Tensor, ensembles: Ensembles, listed: np.ndarray) -> None:
    sums, clipped = average_nll(probabilities, ensembles)
    assert (sums.dtype, clipped.dtype) == (torch.float64, torch.int64)
    expected, expected_clipped = reference(probabilities, listed)
    members, samples = probabilities.shape
    error = np.abs(sums.numpy() - expected)
    assert (error <= (members + 20) * 2.0**-53 * (samples + expected)).all()  # what the docstring promises
    np.testing.assert_array_equal(clipped, expected_clipped)


SHAPES = [(1, 1), (1, 45), (3, 1), (4, 19), (6, 20), (7, 41), (8, 64), (9, 100), (13, 7), (14, 23)]


@pytest.mark.parametrize("scale", [0.5, 3, 30, 1000])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("compiled", [True, False])
def test_all_subsets(shape: tuple[int, int], scale: float, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where rows, blocks and products are not full, and for logits so large that most probabilities are 0 or 1."""
    monkeypatch.setattr(cpu, "AVAILABLE", compiled and cpu.AVAILABLE)
    probabilities, ensembles = true_probabilities(*shape, scale), all_subsets(shape[0])
    if len(ensembles) <= 1000:
        assert_as_defined(probabilities, "all", ensembles)
        return
    some = torch.randperm(len(ensembles), generator=torch.Generator().manual_seed(0))[:200]
    found = [values[some].numpy() for values in average_nll(probabilities)]
    for one, other in zip(found, reference(probabilities, ensembles[some]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("members", [1, 5, 25, 70])
@pytest.mark.parametrize("samples", [1, 19, 2000, 2021])
@pytest.mark.parametrize("scale", [3, 100])
@pytest.mark.parametrize("compiled", [True, False])
def test_listed_subsets(
    members: int, samples: int, scale: float, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu, "AVAILABLE", compiled and cpu.AVAILABLE)
    ensembles = torch.rand(12, members, generator=torch.Generator().manual_seed(1)) < 0.3
    ensembles[:, 0] |= ~ensembles.any(1)
    assert_as_defined(true_probabilities(members, samples, scale), ensembles, ensembles.numpy())


@pytest.mark.parametrize("compiled", [True, False])
def test_ends_of_the_scale(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Probabilities of 1 and 0, of all members and samples, and numbers too small for float64 to divide."""
    monkeypatch.setattr(cpu, "AVAILABLE", compiled and cpu.AVAILABLE)
    for value, expected, clipped in [
        (1, 0, 0),
        (0, -math.log(FLOOR), 1),
        (5e-324, -math.log(FLOOR), 1),
        (0.25, math.log(4), 0),
    ]:
        for members in (1, 3, 9, 14):
            sums, counts = average_nll(torch.full((members, 50), value, dtype=torch.float64))
            np.testing.assert_allclose(sums, 50 * expected, rtol=1e-14, atol=1e-12)
            assert (sums >= 0).all()
            assert (counts == 50 * clipped).all()


def test_a_mean_is_clipped_and_not_a_member() -> None:
    probabilities = torch.tensor([[0.0, 0.5], [1e-11, 0.5], [1e-13, 0.5]], dtype=torch.float64)
    sums, clipped = average_nll(probabilities)
    assert clipped.tolist() == [1, 0, 0, 1, 1, 0, 0]  # 1e-13 alone, and its mean with 0
    np.testing.assert_allclose(sums[2], -math.log(5e-12) + math.log(2), rtol=1e-14)
    np.testing.assert_allclose(sums[4], -math.log(FLOOR) + math.log(2), rtol=1e-14)


@pytest.mark.parametrize("members", [3, 12])
def test_one_member_has_the_same_value_in_a_list_of_members_and_among_others(members: int) -> None:
    probabilities = true_probabilities(members, 333, 8)
    alone = torch.eye(members, dtype=torch.bool)
    together = torch.cat([torch.ones(1, members, dtype=torch.bool), alone])
    for one, other in zip(average_nll(probabilities, alone), average_nll(probabilities, together), strict=True):
        assert torch.equal(one, other[1:])


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("ensembles", ["all", "list"])
def test_any_number_of_threads_gives_the_same_bits(threads: int, ensembles: str) -> None:
    probabilities = true_probabilities(15, 100, 20)
    listed: Ensembles = "all" if ensembles == "all" else torch.from_numpy(all_subsets(15)[::100]).bool()
    before = torch.get_num_threads()
    expected = average_nll(probabilities, listed)
    torch.set_num_threads(threads)
    try:
        found = average_nll(probabilities, listed)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])


@given(st.integers(1, 9), st.integers(1, 60), st.integers(0, 2**31))
def test_what_holds_for_any_probabilities(members: int, samples: int, seed: int) -> None:
    probabilities = true_probabilities(members, samples, 10.0 ** (seed % 4 - 1), seed)
    sums, clipped = average_nll(probabilities)
    ensembles = torch.from_numpy(all_subsets(members))
    # The average is no worse than its mean member (Jensen), where nothing is clipped.
    alone = average_nll(probabilities, torch.eye(members, dtype=torch.bool))
    mean = ensembles.double() @ alone[0] / ensembles.sum(1)
    unclipped = (ensembles * alone[1]).sum(1) == 0
    assert (sums <= mean + 1e-12 * (samples + mean))[unclipped].all()
    # A list has the same values as all, in whatever order members and samples are.
    order = torch.randperm(members, generator=torch.Generator().manual_seed(seed))
    shuffled = torch.randperm(samples, generator=torch.Generator().manual_seed(seed))
    other, others = average_nll(probabilities[order][:, shuffled], ensembles.bool()[:, order])
    torch.testing.assert_close(other, sums, rtol=1e-13, atol=1e-12)
    assert torch.equal(others, clipped)
    # Shards of samples add up.
    parts = [average_nll(part) for part in probabilities.split(7, dim=1)]
    torch.testing.assert_close(sum(part[0] for part in parts), sums, rtol=1e-13, atol=1e-12)
    assert torch.equal(sum(part[1] for part in parts), clipped)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_other_dtypes_are_computed_with_as_float64(dtype: torch.dtype) -> None:
    probabilities = true_probabilities(5, 60).to(dtype)
    for one, other in zip(average_nll(probabilities), average_nll(probabilities.double()), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-0.5, r"probabilities\[1, 2\]: -0.5 is negative"),
        (1.5, r"probabilities\[1, 2\]: 1.5 is above 1"),
        (float("nan"), r"probabilities\[1, 2\]: nan is not finite"),
        (float("inf"), r"probabilities\[1, 2\]: inf is not finite"),
    ],
)
def test_refuses_values(value: float, message: str) -> None:
    probabilities = true_probabilities(3, 4)
    probabilities[1, 2] = value
    with pytest.raises(ValueError, match=message):
        average_nll(probabilities)


def test_refuses_arguments() -> None:
    probabilities = true_probabilities(3, 4)
    with pytest.raises(ValueError, match="probabilities: expected 2 dimensions"):
        average_nll(probabilities[0])
    with pytest.raises(ValueError, match="probabilities: needs at least one of samples"):
        average_nll(probabilities[:, :0])
    with pytest.raises(ValueError, match="probabilities: expected a floating dtype"):
        average_nll(torch.ones(3, 4, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"ensembles\[1\]: has no member"):
        average_nll(probabilities, torch.tensor([[True, True, False], [False, False, False]]))
    with pytest.raises(ValueError, match="ensembles: has 2 members, probabilities has 3"):
        average_nll(probabilities, torch.ones(1, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match="ensembles: expected one of all; got 'pairs'"):
        average_nll(probabilities, "pairs")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='ensembles: "all" takes up to 20 members, got 21'):
        average_nll(torch.ones(21, 1))
