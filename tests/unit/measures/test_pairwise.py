"""Every measure against its definition, in one piece and in blocks and shards of samples."""

from collections.abc import Callable
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import cohen_kappa_score

from scripts.lib.jobs.shards import GROUPS, MINIBATCH, shard
from scripts.lib.measures.pairwise import pairwise_sums, values, values_without_groups
from scripts.lib.measures.recorded import Recorded
from scripts.lib.measures.spec import MEASURES, Measure, mean
from scripts.lib.measures.sums import PairwiseSums

CPU = torch.device("cpu")


def random_arrays(*shape: int, members: int = 3, dtype: str = "float32") -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.normal(size=shape).astype(dtype) for _ in range(members)]


SHAPES = {"predictions": (20, 4), "attributions": (6, 5, 5), "activations": (30, 7)}
LABELS = torch.from_numpy(np.random.default_rng(2).integers(0, 4, 20))


def example(measure: Measure, members: int = 3, samples: int | None = None) -> Recorded:
    _, *rest = SHAPES[measure.needs]
    count = samples or SHAPES[measure.needs][0]
    dtype = "float32" if measure.needs == "predictions" else "float16"
    labels = LABELS.repeat(-(-count // 20))[:count] if measure.needs == "predictions" else None
    return Recorded(random_arrays(count, *rest, members=members, dtype=dtype), labels)


def all_columns(measure: Measure, recorded: Recorded) -> dict[str, np.ndarray]:
    sums = pairwise_sums(measure, recorded, range(len(recorded.arrays[0])), CPU, "test")
    return {name: matrix.numpy() for name, matrix in values(measure, sums).items()}


def computed(measure: Measure, recorded: Recorded) -> np.ndarray:
    return all_columns(measure, recorded)["value"]


def of_maps(similarity: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda a, b: float(np.mean([similarity(x.ravel(), y.ravel()) for x, y in zip(a, b, strict=True)]))


def cosine(x: np.ndarray, y: np.ndarray) -> float:
    return x @ y / np.sqrt((x @ x) * (y @ y))


def overlap(x: np.ndarray, y: np.ndarray) -> float:
    first, second = (set(np.argsort(-z, kind="stable")[: round(0.1 * len(z))]) for z in (x, y))
    return len(first & second) / len(first | second)


def right(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return a.argmax(1) == LABELS.numpy(), b.argmax(1) == LABELS.numpy()


def odds(a: np.ndarray, b: np.ndarray) -> float:
    x, y = right(a, b)
    same, different = (x & y).sum() * (~x & ~y).sum(), (x & ~y).sum() * (~x & y).sum()
    return (same - different) / (same + different)


def alignment(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(0), b - b.mean(0)
    return np.linalg.norm(b.T @ a) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))


def unbiased_alignment(a: np.ndarray, b: np.ndarray) -> float:
    """Song et al. 2012, equation 5, written with matrices of ones."""

    def independence(x: np.ndarray, y: np.ndarray) -> float:
        n, one = len(x), np.ones(len(x))
        k, m = (z @ z.T * (1 - np.eye(n)) for z in (x, y))
        middle = one @ k @ one * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ m @ one)
        return (np.trace(k @ m) + middle) / (n * (n - 3))

    return independence(a, b) / np.sqrt(independence(a, a) * independence(b, b))


# Each measure for one pair, in float64, as docs/measures.md defines it.
REFERENCES: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "disagreement": lambda a, b: (a.argmax(1) != b.argmax(1)).mean(),
    "js_divergence": lambda a, b: (jensenshannon(softmax(a, 1), softmax(b, 1), axis=1) ** 2).mean(),
    "attribution_similarity": of_maps(cosine),
    "attribution_pearson_similarity": of_maps(lambda x, y: pearsonr(x, y).statistic),
    "attribution_spearman_similarity": of_maps(lambda x, y: spearmanr(x, y).statistic),
    "attribution_topk_iou_similarity": of_maps(overlap),
    "activation_similarity": alignment,
    "unbiased_activation_similarity": unbiased_alignment,
    "oracle_disagreement": lambda a, b: np.logical_xor(*right(a, b)).mean(),
    "double_fault": lambda a, b: (~np.logical_or(*right(a, b))).mean(),
    "yules_q": odds,
    "correctness_correlation": lambda a, b: np.corrcoef(*right(a, b))[0, 1],
    "error_consistency": lambda a, b: cohen_kappa_score(*right(a, b)),
    "ratio_of_errors": lambda a, b: np.logical_xor(*right(a, b)).sum() / (~np.logical_or(*right(a, b))).sum(),
}


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_equals_its_definition(name: str) -> None:
    recorded = example(MEASURES[name])
    matrix = computed(MEASURES[name], recorded)
    for a, b in product(range(3), repeat=2):
        first, second = (recorded.arrays[member].astype(np.float64) for member in (a, b))
        assert matrix[a, b] == pytest.approx(REFERENCES[name](first, second), abs=1e-6)


@pytest.mark.parametrize("name", MEASURES)
def test_equal_members_are_not_diverse(name: str) -> None:
    measure, recorded = MEASURES[name], example(MEASURES[name], members=1)
    matrix = computed(measure, Recorded([recorded.arrays[0]] * 2, recorded.labels))
    always = (~right(recorded.arrays[0], recorded.arrays[0])[0]).mean() if name == "double_fault" else 1
    assert matrix == pytest.approx(np.full((2, 2), float(measure.similarity) * always), abs=1e-6)


@pytest.mark.parametrize("name", [name for name, measure in MEASURES.items() if not measure.whole])
def test_blocks_and_shards_of_samples_give_what_all_samples_give(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = MEASURES[name]
    recorded = example(measure, samples=2 * MINIBATCH + 40)
    whole = computed(measure, recorded)
    monkeypatch.setattr("scripts.lib.jobs.shards.BLOCK_BYTES", 1)
    samples = len(recorded.arrays[0])
    parts = [pairwise_sums(measure, recorded, shard(samples, part, 4), CPU, "test") for part in range(4)]
    assert values(measure, reduce(PairwiseSums.__add__, parts))["value"].numpy() == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("samples", [2 * MINIBATCH + 41, 21])
def test_halves_are_the_even_and_the_odd_samples(name: str, samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = MEASURES[name]
    recorded = example(measure, samples=samples)
    found = all_columns(measure, recorded)
    monkeypatch.setattr("scripts.lib.measures.kinds.activations.MINIBATCH", MINIBATCH // 2)
    monkeypatch.setattr("scripts.lib.measures.pairwise.MINIBATCH", MINIBATCH // 2)
    for column, first in (("value_even", 0), ("value_odd", 1)):
        labels = None if recorded.labels is None else recorded.labels[first::2]
        half = Recorded([array[first::2] for array in recorded.arrays], labels)
        assert found[column] == pytest.approx(computed(measure, half), abs=1e-12, nan_ok=True)
    if measure.value is mean:
        weighted = [found["value_even"] * -(-samples // 2), found["value_odd"] * (samples // 2)]
        assert sum(weighted) / samples == pytest.approx(found["value"], abs=1e-12)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("samples", [MINIBATCH + 41, 21])
def test_without_a_group_is_the_measure_on_the_other_samples_of_a_half(name: str, samples: int) -> None:
    """The unbiased measure adds over minibatches, so it is given the samples of one."""
    measure = MEASURES[name]
    recorded = example(measure, samples=samples if measure.divisible or measure.whole else 21)
    samples, members = len(recorded.arrays[0]), len(recorded.arrays)
    found = values_without_groups(measure, pairwise_sums(measure, recorded, range(samples), CPU, "test"))
    assert found.shape == (2, GROUPS, members, members)
    numbers = np.arange(samples)
    for half, group in [(0, 0), (1, 0), (0, 7), (1, 9)]:
        rest = numbers[(numbers % 2 == half) & (numbers // 2 % GROUPS != group)]
        expected = computed(measure, recorded[rest])
        np.testing.assert_allclose(found[half, group], expected, atol=1e-12)


@pytest.mark.parametrize("name", [name for name, measure in MEASURES.items() if not measure.whole])
def test_groups_are_the_same_in_blocks_and_shards(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    measure, samples = MEASURES[name], 2 * MINIBATCH + 40
    recorded = example(measure, samples=samples)
    whole = values_without_groups(measure, pairwise_sums(measure, recorded, range(samples), CPU, "test"))
    monkeypatch.setattr("scripts.lib.jobs.shards.BLOCK_BYTES", 1)
    parts = [pairwise_sums(measure, recorded, shard(samples, part, 3), CPU, "test") for part in range(3)]
    found = values_without_groups(measure, reduce(PairwiseSums.__add__, parts))
    np.testing.assert_allclose(found, whole, atol=1e-12)


def test_a_study_of_very_many_members_has_no_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    measure = MEASURES["disagreement"]
    recorded = example(measure)
    grouped = all_columns(measure, recorded)
    monkeypatch.setattr("scripts.lib.jobs.shards.MOST_MEMBERS_OF_GROUPS", 2)
    sums = pairwise_sums(measure, recorded, range(20), CPU, "test")
    assert values_without_groups(measure, sums).shape == (2, 0, 3, 3)
    for column, matrix in values(measure, sums).items():
        np.testing.assert_array_equal(matrix, grouped[column])


@pytest.mark.parametrize("name", MEASURES)
def test_one_sample_has_no_odd_half(name: str) -> None:
    found = all_columns(MEASURES[name], example(MEASURES[name], samples=1))
    assert np.isnan(found["value_odd"]).all()
    assert found["value_even"] == pytest.approx(found["value"], nan_ok=True)
