"""Pairwise measures: from recorded arrays to tables and back."""

import ast
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
import yaml
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import cohen_kappa_score

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.shards import MINIBATCH, shard
from scripts.lib.jobs.storage import save_array, save_table
from scripts.lib.measures.measures import (
    MEASURES,
    Measure,
    Recorded,
    load_pairwise,
    load_recorded,
    load_sums,
    pairwise_sums,
    pairwise_table,
)
from scripts.lib.study.resolve import ROOT

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


def computed(measure: Measure, recorded: Recorded) -> np.ndarray:
    samples = len(recorded.arrays[0])
    return measure.value(pairwise_sums(measure, recorded, range(samples), CPU, "test"), samples).numpy()


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
    assert measure.value(sum(parts), samples).numpy() == pytest.approx(whole, abs=1e-12)


def test_the_rules_know_which_measures_need_all_samples_at_once() -> None:
    rules = (ROOT / "rules" / "common.smk").read_text(encoding="utf-8")
    mapping = re.search(r"^WHOLE = (\{.*\})", rules, re.MULTILINE)
    assert mapping is not None
    assert ast.literal_eval(mapping[1]) == {measure.name for measure in MEASURES.values() if measure.whole}


def test_sums_of_shards_are_read_back_and_added(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{part}.parquet") for part in range(2)]
    for path, samples in zip(paths, (50, 30), strict=True):
        save_table(path, pairwise_table(MATRIX, ["b", "a", "c"], samples))
    sums, samples = load_sums(paths, ["b", "a", "c"])
    assert samples == 80
    np.testing.assert_array_equal(sums, 2 * MATRIX)


def test_the_schema_offers_the_measures_of_the_registry() -> None:
    schema = yaml.safe_load((ROOT / "schemas" / "study.schema.yaml").read_text(encoding="utf-8"))
    assert schema["properties"]["measures"]["items"]["enum"] == list(MEASURES)


def test_the_rule_hands_each_measure_what_it_needs() -> None:
    """Rules may not import the registry, so rules/common.smk repeats which folder a measure reads."""
    rules = (ROOT / "rules" / "common.smk").read_text(encoding="utf-8")
    mapping = re.search(r"^RECORDED = (\{.*?^\})", rules, re.MULTILINE | re.DOTALL)
    assert mapping is not None
    assert ast.literal_eval(mapping[1]) == {measure.name: measure.needs for measure in MEASURES.values()}


def test_a_similarity_becomes_a_diversity_and_a_diversity_stays() -> None:
    matrix = np.array([[1, 0.25], [0.25, 1]])
    for measure in MEASURES.values():
        expected = np.array([[0, 0.75], [0.75, 0]]) if measure.similarity else matrix
        np.testing.assert_array_equal(measure.as_diversity(matrix), expected)
        assert (measure.diversity == measure.name) == (not measure.similarity)
    assert MEASURES["attribution_similarity"].diversity == "attribution_dissimilarity"
    assert MEASURES["yules_q"].diversity == "one_minus_yules_q"


MATRIX = torch.tensor([[0, 0.1, 0.2], [0.1, 0, 0.3], [0.2, 0.3, 0]], dtype=torch.float64)


def test_a_table_holds_both_triangles_and_turns_back_into_its_matrix_in_any_order(tmp_path: Path) -> None:
    table = pairwise_table(MATRIX, ["b", "a", "c"], samples=50)
    assert len(table) == 9
    assert set(table["samples"]) == {50}
    path = str(tmp_path / "pairwise.parquet")
    save_table(path, table.sample(fraction=1, shuffle=True, seed=0))
    np.testing.assert_array_equal(load_pairwise(path, ["b", "a", "c"]), MATRIX)
    np.testing.assert_array_equal(load_pairwise(path, ["c", "a", "b"]), MATRIX[[2, 1, 0]][:, [2, 1, 0]])


def test_a_pair_without_a_value_is_null_in_the_table_and_nan_in_the_matrix(tmp_path: Path) -> None:
    matrix, path = MATRIX.clone(), str(tmp_path / "pairwise.parquet")
    matrix[0, 2] = matrix[2, 0] = torch.nan
    table = pairwise_table(matrix, ["b", "a", "c"], samples=50)
    assert table["value"].null_count() == 2
    save_table(path, table)
    np.testing.assert_array_equal(load_pairwise(path, ["b", "a", "c"]), matrix)


@pytest.mark.parametrize("members", [["b", "a"], ["b", "a", "d"], ["b", "a", "c", "d"]])
def test_a_table_of_other_members_is_refused(tmp_path: Path, members: list[str]) -> None:
    path = str(tmp_path / "pairwise.parquet")
    save_table(path, pairwise_table(MATRIX, ["b", "a", "c"], samples=50))
    message = rf"pairwise\.parquet has 9 rows, not one for each of the {len(members) ** 2} pairs"
    with pytest.raises(StudyError, match=message):
        load_pairwise(path, members)


def test_a_table_with_a_repeated_pair_is_refused(tmp_path: Path) -> None:
    path, table = str(tmp_path / "pairwise.parquet"), pairwise_table(MATRIX, ["b", "a", "c"], samples=50)
    save_table(path, pl.concat([table[1:], table[1:2]]))
    with pytest.raises(StudyError, match="has 9 rows, not one for each of the 9 pairs"):
        load_pairwise(path, ["b", "a", "c"])


SAMPLES = [f"test/{row}" for row in range(5)]
MAPS, FEATURES = np.ones((4, 2, 3), np.float16), np.ones((4, 2), np.float16)


def recorded(folder: Path, kind: str, *arrays: np.ndarray) -> list[np.ndarray]:
    paths = [str(folder / f"{name}.npy") for name in "ab"]
    for path, array in zip(paths, arrays, strict=True):
        save_array(path, array)
    return load_recorded(kind, "clean", ["a", "b"], paths, SAMPLES)


def test_recorded_arrays_are_opened_and_activations_may_have_different_widths(tmp_path: Path) -> None:
    loaded = recorded(tmp_path, "activations", FEATURES, np.ones((4, 7), np.float16))
    assert [array.shape for array in loaded] == [(4, 2), (4, 7)]
    assert [array.shape for array in recorded(tmp_path, "attributions", MAPS, MAPS)] == [(4, 2, 3), (4, 2, 3)]


@pytest.mark.parametrize(
    ("kind", "first", "second", "message"),
    [
        ("activations", FEATURES, FEATURES[:3], "has 3 samples, that of member a 4 samples"),
        ("attributions", MAPS, MAPS[:, :1], "has 4 samples of 1 × 3 pixels, that of member a 4 samples of 2 × 3"),
        ("attributions", MAPS, FEATURES, r"is float16 [4, 2]; expected float16 or float32 [samples, height, width]"),
        ("activations", FEATURES, MAPS, r"is float16 [4, 2, 3]; expected float16 or float32 [samples, features]"),
        ("activations", FEATURES, np.ones((4, 2), np.int64), "is int64 [4, 2]; expected float16"),
        ("activations", FEATURES, np.ones((6, 2), np.float16), "has 6 rows for the 5 samples of the dataset"),
        ("activations", FEATURES, np.ones((0, 2), np.float16), "has 0 rows for the 5 samples of the dataset"),
    ],
)
def test_recorded_arrays_that_do_not_fit_are_refused(
    tmp_path: Path, kind: str, first: np.ndarray, second: np.ndarray, message: str
) -> None:
    with pytest.raises(StudyError, match=r"b\.npy \(member b, dataset clean\) " + re.escape(message)):
        recorded(tmp_path, kind, first, second)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("kind", "array"), [("activations", FEATURES), ("attributions", MAPS)])
def test_recorded_values_that_are_not_finite_are_named_by_their_first_sample(
    tmp_path: Path, kind: str, array: np.ndarray, value: float
) -> None:
    bad = array.copy()
    bad[1:3, 1] = value
    message = rf"b\.npy \(member b, dataset clean\): the {kind} are not finite for 2 of 4 .* first is test/1 \(row 1\)"
    with pytest.raises(StudyError, match=message):
        recorded(tmp_path, kind, array, bad)
