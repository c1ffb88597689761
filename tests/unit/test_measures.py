"""Pairwise measures: from recorded arrays to tables and back."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax

from scripts.lib.errors import StudyError
from scripts.lib.measures import MEASURES, load_recorded, pairwise_matrix, pairwise_table
from scripts.lib.storage import save_array
from scripts.lib.study import ROOT

CPU = torch.device("cpu")


def random_arrays(*shape: int, members: int = 3, dtype: str = "float32") -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.normal(size=shape).astype(dtype) for _ in range(members)]


def reference(measure: str, a: np.ndarray, b: np.ndarray) -> float:
    """Each measure for one pair, in float64, as MEASURES.md of the project's design defines it."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    if measure == "disagreement":
        return float((a.argmax(1) != b.argmax(1)).mean())
    if measure == "js_divergence":
        return float((jensenshannon(softmax(a, 1), softmax(b, 1), axis=1) ** 2).mean())
    if measure == "attribution_similarity":
        flat_a, flat_b = a.reshape(len(a), -1), b.reshape(len(b), -1)
        norms = np.linalg.norm(flat_a, axis=1) * np.linalg.norm(flat_b, axis=1)
        return float(((flat_a * flat_b).sum(1) / norms).mean())
    a, b = a - a.mean(0), b - b.mean(0)
    return float(np.linalg.norm(b.T @ a) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)))


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_equals_its_definition(name: str) -> None:
    shapes = {"predictions": (20, 4), "attributions": (6, 5, 5), "activations": (30, 7)}
    needs = MEASURES[name].needs
    arrays = random_arrays(*shapes[needs], dtype="float32" if needs == "predictions" else "float16")
    matrix = MEASURES[name].compute(arrays, CPU)
    for a, b in product(range(3), repeat=2):
        assert matrix[a, b].item() == pytest.approx(reference(name, arrays[a], arrays[b]), abs=1e-6)


@pytest.mark.parametrize("name", MEASURES)
def test_equal_members_are_not_diverse(name: str) -> None:
    shapes = {"predictions": (20, 4), "attributions": (6, 5, 5), "activations": (30, 7)}
    array = random_arrays(*shapes[MEASURES[name].needs], members=1)[0]
    matrix = MEASURES[name].compute([array, array], CPU)
    assert matrix.numpy() == pytest.approx(np.full((2, 2), float(MEASURES[name].similarity)), abs=1e-6)


def test_the_schema_offers_the_measures_of_the_registry() -> None:
    schema = yaml.safe_load((ROOT / "schemas" / "study.schema.yaml").read_text(encoding="utf-8"))
    assert schema["properties"]["measures"]["items"]["enum"] == [
        "disagreement",
        "attribution_similarity",
        "activation_similarity",
        "js_divergence",
    ]
    assert set(schema["properties"]["measures"]["items"]["enum"]) == set(MEASURES)


def test_a_table_holds_both_triangles_and_turns_back_into_its_matrix_in_any_order() -> None:
    matrix = torch.tensor([[0, 0.1, 0.2], [0.1, 0, 0.3], [0.2, 0.3, 0]], dtype=torch.float64)
    table = pairwise_table(matrix, ["b", "a", "c"], samples=50)
    assert len(table) == 9
    assert set(table["samples"]) == {50}
    shuffled = table.sample(fraction=1, shuffle=True, seed=0)
    np.testing.assert_array_equal(pairwise_matrix(shuffled, ["b", "a", "c"]), matrix)
    np.testing.assert_array_equal(pairwise_matrix(shuffled, ["c", "a", "b"]), matrix[[2, 1, 0]][:, [2, 1, 0]])


def test_recorded_arrays_of_another_length_or_not_finite_are_refused(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{name}.npy") for name in "ab"]
    save_array(paths[0], np.ones((4, 2), np.float16))
    save_array(paths[1], np.ones((3, 2), np.float16))
    with pytest.raises(StudyError, match=r"b\.npy \(member b, dataset clean\) has 3 samples, that of a has 4"):
        load_recorded("clean", ["a", "b"], paths)
    save_array(paths[1], np.array([[1, 1], [1, np.inf], [1, 1], [1, 1]], np.float16))
    with pytest.raises(StudyError, match=r"member b, dataset clean.* first is row 1"):
        load_recorded("clean", ["a", "b"], paths)
