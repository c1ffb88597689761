"""Predictions are checked before anything is compared."""

from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.lib.errors import StudyError
from scripts.lib.predictions import load_labels, load_predictions, predicted_classes, probabilities
from scripts.lib.storage import digest_of_lines, save_array, save_json, save_lines

SAMPLES = [f"test/{row}" for row in range(6)]
MEMBERS = ["first", "second"]


@pytest.fixture
def logits() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {member: random.normal(size=(6, 3)).astype(np.float32) for member in MEMBERS}


def write(folder: Path, logits: dict[str, np.ndarray], samples: dict[str, list[str]] | None = None) -> tuple:
    save_lines(folder / "samples.txt", SAMPLES)
    for member, array in logits.items():
        ids = (samples or {}).get(member, SAMPLES)
        save_array(folder / f"{member}.npy", array)
        save_json(folder / f"{member}.json", {"samples": digest_of_lines(ids), "sample_count": len(ids)})
    files = [[str(folder / f"{member}.{suffix}") for member in MEMBERS] for suffix in ("npy", "json")]
    return "noise", MEMBERS, *files, str(folder / "samples.txt")


def test_good_predictions_are_read_in_the_order_of_the_study(tmp_path: Path, logits: dict[str, np.ndarray]) -> None:
    loaded = load_predictions(*write(tmp_path, logits))
    np.testing.assert_array_equal(loaded.logits[1], logits["second"])


def test_other_sample_ids_name_member_dataset_and_file(tmp_path: Path, logits: dict[str, np.ndarray]) -> None:
    arguments = write(tmp_path, logits, {"second": SAMPLES[::-1]})
    with pytest.raises(StudyError, match=r"member second .* dataset noise .*second\.json"):
        load_predictions(*arguments)


def test_another_number_of_samples_is_told_with_both_numbers(tmp_path: Path, logits: dict[str, np.ndarray]) -> None:
    logits["second"] = logits["second"][:5]
    with pytest.raises(StudyError, match=r"second has predictions of 5 samples .* noise; expected 6 samples"):
        load_predictions(*write(tmp_path, logits))


def test_another_number_of_classes_is_told(tmp_path: Path, logits: dict[str, np.ndarray]) -> None:
    logits["second"] = logits["second"][:, :2]
    with pytest.raises(StudyError, match=r"6 samples and 2 classes .* expected 6 samples and 3 classes"):
        load_predictions(*write(tmp_path, logits))


@pytest.mark.parametrize("array", [np.zeros(6, np.float32), np.zeros((6, 3), np.int64)])
def test_another_shape_or_type_is_refused(tmp_path: Path, logits: dict[str, np.ndarray], array: np.ndarray) -> None:
    with pytest.raises(StudyError, match=r"first\.npy .* expected float16 or float32"):
        load_predictions(*write(tmp_path, logits | {"first": array, "second": array}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_no_number_is_named_by_its_first_sample(
    tmp_path: Path, logits: dict[str, np.ndarray], value: float
) -> None:
    logits["second"][[2, 4], 1] = value
    with pytest.raises(StudyError, match=r"second on dataset noise are not finite for 2 of 6 .* first is test/2"):
        load_predictions(*write(tmp_path, logits))


def test_labels_out_of_range_or_of_another_length_are_refused(tmp_path: Path, logits: dict[str, np.ndarray]) -> None:
    predictions = load_predictions(*write(tmp_path, logits))
    save_array(tmp_path / "labels.npy", np.array([0, 1, 2, 3, 0, 0]))
    with pytest.raises(StudyError, match=r"labels 0 to 3, the predictions have 3 classes"):
        load_labels(tmp_path / "labels.npy", predictions)
    save_array(tmp_path / "labels.npy", np.array([0, 1]))
    with pytest.raises(StudyError, match="6 samples"):
        load_labels(tmp_path / "labels.npy", predictions)


def test_probabilities_of_extreme_logits_sum_to_one() -> None:
    extreme = np.array([[3e38, -3e38, 0], [-3e38, -3e38, -3e38], [700, 0, -700]], np.float32)
    result = probabilities([extreme])[0]
    torch.testing.assert_close(result.sum(1), torch.ones(3))
    torch.testing.assert_close(result[1], torch.full((3,), 1 / 3))


def test_equal_logits_predict_the_lowest_class() -> None:
    assert predicted_classes([np.array([[1, 2, 2], [0, 0, 0]], np.float32)]).tolist() == [[1, 0]]
