import numpy as np
import pytest
import torch

from kernels import consensus_sweep
from kernels.consensus_listed_numba import listed_ensembles
from kernels.consensus_sweep import Consensus

CONSENSUSES: tuple[Consensus, ...] = ("average", "vote")


def winner(scores: np.ndarray, consensus: str) -> int:
    """The class that the members with these scores, float64 [members, classes], decide for."""
    sums = scores.sum(0)
    if consensus != "vote":
        return int(np.flatnonzero(sums == sums.max())[0])
    votes = np.bincount(scores.argmax(1), minlength=scores.shape[1])
    leaders = np.flatnonzero(votes == votes.max())
    return int(leaders[sums[leaders] == sums[leaders].max()][0])


def reference(scores: torch.Tensor, labels: torch.Tensor, ensembles: np.ndarray, consensus: str) -> np.ndarray:
    values = scores.double().numpy()
    return np.array(
        [
            sum(winner(values[chosen, n], consensus) == labels[n] for n in range(values.shape[1]))
            for chosen in ensembles.astype(bool)
        ]
    )


def all_subsets(members: int) -> np.ndarray:
    return np.arange(1, 1 << members)[:, None] >> np.arange(members) & 1


def random_study(
    members: int, samples: int, classes: int, scale: float = 2.0, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (samples,), generator=generator)
    logits = scale * torch.randn(members, samples, classes, generator=generator)
    logits += 0.5 * scale * torch.randn(samples, classes, generator=generator)
    logits[:, torch.arange(samples), labels] += scale
    return logits.softmax(2), labels


@pytest.mark.parametrize("consensus", CONSENSUSES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 50, 7), (4, 1, 5), (6, 70, 3), (7, 33, 40), (3, 20, 1000)])
def test_all_subsets(consensus: Consensus, shape: tuple[int, int, int]) -> None:
    scores, labels = random_study(*shape)
    counts = consensus_sweep(scores, labels, consensus=consensus)
    assert counts.dtype == torch.int64
    assert counts.shape == (2 ** shape[0] - 1,)
    np.testing.assert_array_equal(counts.numpy(), reference(scores, labels, all_subsets(shape[0]), consensus))


@pytest.mark.parametrize("consensus", CONSENSUSES)
@pytest.mark.parametrize("kind", ["random", "one class each", "quarters", "zero"])
@pytest.mark.parametrize("members", [7, 8, 13, 15])
def test_rows_and_blocks_of_ensembles(consensus: Consensus, kind: str, members: int) -> None:
    """The compiled code divides all subsets into rows and blocks: their counts are those of each listed ensemble."""
    scores, labels = scores_of_kind(kind, members, 150, 6)
    ensembles = torch.from_numpy(all_subsets(members)).bool()
    some = torch.randperm(len(ensembles), generator=torch.Generator().manual_seed(0))[:500]
    counts = consensus_sweep(scores, labels, consensus=consensus)
    np.testing.assert_array_equal(counts[some], consensus_sweep(scores, labels, ensembles[some], consensus))
    np.testing.assert_array_equal(counts[some[:20]], reference(scores, labels, ensembles[some[:20]].numpy(), consensus))


def test_more_competitors_than_fit_into_a_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(9, 100, 600, generator=generator)
    scores[:, ::2, 20:] = 0  # every other sample has few competitors
    labels = torch.randint(600, (100,), generator=generator)
    found = consensus_sweep(scores, labels)
    np.testing.assert_array_equal(found, reference(scores, labels, all_subsets(9), "average"))


@pytest.mark.parametrize("consensus", CONSENSUSES)
@pytest.mark.parametrize("members", [5, 25, 70])
def test_listed_subsets(consensus: Consensus, members: int) -> None:
    scores, labels = random_study(members, 40, 12)
    ensembles = torch.rand(30, members, generator=torch.Generator().manual_seed(1)) < 0.3
    ensembles[:, 0] |= ~ensembles.any(1)
    counts = consensus_sweep(scores, labels, ensembles, consensus)
    np.testing.assert_array_equal(counts.numpy(), reference(scores, labels, ensembles.numpy(), consensus))


def neighbours(members: int, centre: int, kind: str) -> torch.Tensor:
    """Ensembles that differ by at most one member from one of `centre` members."""
    ensemble = torch.zeros(members, dtype=torch.bool)
    ensemble[torch.randperm(members, generator=torch.Generator().manual_seed(centre))[:centre]] = True
    one_more, one_less = ((ensemble == has).nonzero()[:, 0] for has in (False, True))
    changed = {"more": one_more, "less": one_less, "either": torch.arange(members), "none": one_more[:0]}[kind]
    listed = ensemble ^ torch.nn.functional.one_hot(changed, members).bool()
    listed = torch.cat([listed, ensemble[None]]) if kind in ("either", "none") else listed
    return listed[listed.any(1)]


def scores_of_kind(kind: str, members: int, samples: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random scores; some with ties in most samples, or with numbers that are lost beside others in float64."""
    scores, labels = random_study(members, samples, classes)
    generator = torch.Generator().manual_seed(4)
    if kind == "one class each":
        scores = torch.nn.functional.one_hot(scores.argmax(2), classes).float()
    elif kind == "quarters":
        scores = (4 * scores).round() / 4
    elif kind == "lost beside others":
        values = torch.tensor([1, 0.3, 1e-9, 1e-17, 1e-20, 0])
        scores = values[torch.randint(len(values), scores.shape, generator=generator)]
    elif kind == "zero":
        scores = torch.zeros_like(scores)
    return scores, labels


@pytest.mark.parametrize("consensus", CONSENSUSES)
@pytest.mark.parametrize("kind", ["random", "one class each", "quarters", "lost beside others", "zero"])
@pytest.mark.parametrize(("centre", "change"), [(0, "more"), (4, "more"), (8, "less"), (3, "either"), (5, "none")])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_neighbours_of_an_ensemble_have_the_counts_that_they_have_among_others(
    consensus: Consensus, kind: str, centre: int, change: str, dtype: torch.dtype
) -> None:
    """Any other list is swept without what neighbours share."""
    scores, labels = scores_of_kind(kind, 9, 150, 6)
    scores = scores.to(dtype)
    listed = neighbours(9, centre, change)
    others = torch.tensor([[True] * 9, [True] + [False] * 8, [False] + [True] * 8])
    assert listed_ensembles(listed, scores, False)[0].__name__ == "_sweep_neighbours"
    assert listed_ensembles(torch.cat([others, listed]), scores, False)[0].__name__ == "_sweep_listed"
    among = consensus_sweep(scores, labels, torch.cat([others, listed]), consensus)[len(others) :]
    assert torch.equal(consensus_sweep(scores, labels, listed, consensus), among)
    if kind in ("random", "quarters"):  # whose sums are exact
        np.testing.assert_array_equal(among.numpy(), reference(scores, labels, listed.numpy(), consensus))


@pytest.mark.parametrize("consensus", CONSENSUSES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_dtypes(consensus: Consensus, dtype: torch.dtype) -> None:
    scores, labels = random_study(5, 60, 20)
    # Multiples of 1/1024 are exact in every dtype and so are their sums: a disagreement cannot be blamed on rounding.
    scores = ((scores * 1024).round() / 1024).clamp(-1, 1).to(dtype)
    counts = consensus_sweep(scores, labels, consensus=consensus)
    np.testing.assert_array_equal(counts.numpy(), reference(scores, labels, all_subsets(5), consensus))


@pytest.mark.parametrize("consensus", CONSENSUSES)
def test_exact_ties(consensus: Consensus) -> None:
    scores = torch.randint(3, (6, 200, 5), generator=torch.Generator().manual_seed(2)) / 4
    labels = torch.randint(5, (200,), generator=torch.Generator().manual_seed(3))
    counts = consensus_sweep(scores, labels, consensus=consensus)
    np.testing.assert_array_equal(counts.numpy(), reference(scores, labels, all_subsets(6), consensus))


def test_vote_tie_goes_to_larger_sum_then_lowest_class() -> None:
    scores = torch.tensor([[[0.5, 0.4, 0.1]], [[0.2, 0.7, 0.1]], [[0.25, 0.25, 0.5]]])
    one_vote_each = consensus_sweep(scores, torch.tensor([1]), consensus="vote")
    assert one_vote_each[0b011 - 1] == 1  # sums 0.7, 1.1
    assert one_vote_each[0b111 - 1] == 1
    even = torch.tensor([[[0.25, 0.75]], [[0.75, 0.25]]])
    assert consensus_sweep(even, torch.tensor([0]), consensus="vote")[0b11 - 1] == 1


@pytest.mark.parametrize("consensus", CONSENSUSES)
def test_equal_members(consensus: Consensus) -> None:
    scores, labels = random_study(1, 100, 10)
    counts = consensus_sweep(scores.expand(5, -1, -1), labels, consensus=consensus)
    assert (counts == (scores[0].argmax(1) == labels).sum()).all()


def test_extreme_logits() -> None:
    scores, labels = random_study(5, 80, 10, scale=1e4)
    for consensus in CONSENSUSES:
        counts = consensus_sweep(scores, labels, consensus=consensus)
        np.testing.assert_array_equal(counts.numpy(), reference(scores, labels, all_subsets(5), consensus))


@pytest.mark.parametrize("consensus", CONSENSUSES)
def test_shards_add_up_and_label_dtype(consensus: Consensus) -> None:
    scores, labels = random_study(6, 100, 8)
    parts = [slice(0, 33), slice(33, 97), slice(97, 100)]
    shards = torch.stack([consensus_sweep(scores[:, p], labels[p].int(), consensus=consensus) for p in parts])
    assert torch.equal(shards.sum(0), consensus_sweep(scores, labels, consensus=consensus))


@pytest.mark.parametrize(
    ("value", "consensus", "message"),
    [
        (-0.5, "average", r"probabilities\[1, 2, 3\]: -0.5 is negative"),
        (-0.5, "vote", r"probabilities\[1, 2, 3\]: -0.5 is negative"),
        (float("nan"), "average", r"probabilities\[1, 2, 3\]: nan is not finite"),
        (float("-inf"), "vote", r"probabilities\[1, 2, 3\]: -inf is not finite"),
    ],
)
def test_refuses_values(value: float, consensus: Consensus, message: str) -> None:
    scores, labels = random_study(3, 4, 5)
    scores[1, 2, 3] = value
    with pytest.raises(ValueError, match=message):
        consensus_sweep(scores, labels, consensus=consensus)


def test_refuses_arguments() -> None:
    scores, labels = random_study(3, 4, 5)
    with pytest.raises(ValueError, match="probabilities: expected 3 dimensions"):
        consensus_sweep(scores[0], labels)
    with pytest.raises(ValueError, match="labels: has 3 samples, probabilities has 4"):
        consensus_sweep(scores, labels[:3])
    with pytest.raises(ValueError, match="labels: expected an integer dtype"):
        consensus_sweep(scores, labels.float())
    with pytest.raises(ValueError, match=r"labels\[1\]: 5 is outside \[0, 5\)"):
        consensus_sweep(scores, torch.tensor([0, 5, 1, 7]))
    with pytest.raises(ValueError, match="consensus: expected one of average, vote"):
        consensus_sweep(scores, labels, consensus="mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"ensembles\[1\]: has no member"):
        consensus_sweep(scores, labels, torch.tensor([[True, True, False], [False, False, False]]))
    with pytest.raises(ValueError, match="ensembles: has 2 members, probabilities has 3"):
        consensus_sweep(scores, labels, torch.ones(1, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match="ensembles: expected one of all; got 'pairs'"):
        consensus_sweep(scores, labels, "pairs")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='ensembles: "all" takes up to 20 members, got 21'):
        consensus_sweep(torch.ones(21, 1, 1), torch.zeros(1, dtype=torch.int64))
