"""Predictions are checked before anything is compared."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax

from scripts.lib.inference.predictions import (
    Predictions,
    checked_samples,
    load_labels,
    load_predictions,
    predicted_classes,
    probabilities,
)
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import digest_of_lines, save_array, save_json, save_lines

SAMPLES = [f"test/{row}" for row in range(6)]
MEMBERS = ["first", "second"]


class Files:
    """The inputs of a job for dataset noise: two members, six samples, three classes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.labels = folder / "labels.npy"
        save_lines(folder / "samples.txt", SAMPLES)
        save_json(folder / "classes.json", ["red", "green", "blue"])
        random = np.random.default_rng(0)
        for member in MEMBERS:
            save_array(folder / f"{member}.npy", random.normal(size=(6, 3)).astype(np.float32))
            self.record(member)

    def of(self, suffix: str) -> list[str]:
        return [str(self.folder / f"{member}.{suffix}") for member in MEMBERS]

    def record(self, member: str, samples: list[str] = SAMPLES) -> None:
        path = self.folder / f"{member}.npy"
        content = {"samples": digest_of_lines(samples), "sample_count": len(samples)}
        save_json(self.folder / f"{member}.json", content | {"checksums": checksums(predictions=path)})

    def replace(self, member: str, array: np.ndarray) -> None:
        save_array(self.folder / f"{member}.npy", array)
        self.record(member)

    def logits(self, member: str) -> np.ndarray:
        return np.load(self.folder / f"{member}.npy")

    def load(self) -> Predictions:
        return load_predictions(self.declared())

    def declared(self) -> RecordedFiles:
        """The inputs of a rule; the record of the set has the checksums of the files as they are now."""
        if not self.labels.exists():
            save_array(self.labels, np.zeros(len(SAMPLES), np.int64))
        of_set = {"labels": self.labels, "samples": self.folder / "samples.txt"}
        save_json(self.folder / "set.json", {"checksums": checksums(**of_set)})
        files = {name: str(path) for name, path in of_set.items()}
        files |= {"set_record": str(self.folder / "set.json"), "classes": str(self.folder / "classes.json")}
        return RecordedFiles("noise", MEMBERS, self.of("json"), self.of("npy"), **files)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def says(*parts: object) -> str:
    """A pattern for `match`: these texts, in this order."""
    return ".*".join(re.escape(str(part)) for part in parts)


def test_good_predictions_are_read_in_the_order_of_the_study(files: Files) -> None:
    loaded = files.load()
    assert (loaded.dataset, loaded.members, loaded.samples) == ("noise", MEMBERS, SAMPLES)
    for member, logits in zip(MEMBERS, loaded.logits, strict=True):
        np.testing.assert_array_equal(logits, files.logits(member))
        assert isinstance(logits, np.memmap)


def test_half_precision_is_taken(files: Files) -> None:
    files.replace("second", files.logits("second").astype(np.float16))
    assert files.load().logits[1].dtype == np.float16


def test_other_sample_ids_name_member_dataset_file_and_both_digests(files: Files) -> None:
    other = digest_of_lines(SAMPLES[::-1])
    save_json(files.folder / "second.json", {"samples": other, "sample_count": 6})
    path, ours = files.of("json")[1], digest_of_lines(SAMPLES)[:12]
    with pytest.raises(StudyError, match=says("second", "noise", path, "6 samples", other[:12], "6 samples", ours)):
        files.load()


@pytest.mark.parametrize("record", [{}, [], {"samples": "0"}, None])
def test_a_record_that_does_not_name_its_samples_is_refused(files: Files, record: Any) -> None:
    save_json(files.folder / "first.json", record)
    with pytest.raises(StudyError, match=says(files.of("json")[0], "noise", "first", "sample_count", "run again")):
        files.load()


def test_a_dataset_without_samples_is_refused(files: Files) -> None:
    save_lines(files.folder / "samples.txt", [])
    with pytest.raises(StudyError, match=says("samples.txt lists no samples of dataset noise")):
        files.load()


def test_records_alone_give_the_sample_ids(files: Files) -> None:
    assert checked_samples(files.declared(), "predictions") == SAMPLES


@pytest.mark.parametrize(("shape", "text"), [((5, 3), "5 samples and 3 classes"), ((6, 2), "6 samples and 2 classes")])
@pytest.mark.parametrize("member", MEMBERS)
def test_another_number_of_samples_or_classes_is_told_with_what_was_expected(
    files: Files, member: str, shape: tuple[int, int], text: str
) -> None:
    files.replace(member, np.zeros(shape, np.float32))
    path = str(files.folder / f"{member}.npy")
    with pytest.raises(StudyError, match=says(member, text, "noise", "expected 6 samples and 3 classes", path)):
        files.load()


@pytest.mark.parametrize(
    ("array", "found"),
    [(np.zeros(6, np.float32), "float32 [6]"), (np.zeros((6, 3), np.int64), "int64 [6, 3]"), (np.float32(1), "[]")],
)
def test_another_shape_or_type_is_refused(files: Files, array: np.ndarray, found: str) -> None:
    files.replace("first", np.asarray(array))
    with pytest.raises(StudyError, match=says("first.npy (member first, dataset noise)", found, "expected float16 or")):
        files.load()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_no_number_is_named_by_its_first_sample(files: Files, value: float) -> None:
    logits = files.logits("second")
    logits[[2, 4], 1] = value
    files.replace("second", logits)
    with pytest.raises(StudyError, match=says("second", "noise", "2 of 6 samples", "first is test/2 (row 2)")):
        files.load()


def test_good_labels_are_read(files: Files) -> None:
    save_array(files.labels, np.array([0, 1, 2, 0, 1, 2], np.int64))
    assert load_labels(files.labels, files.load()).tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("value", [3, -1])
def test_a_label_out_of_range_is_named_by_its_first_sample(files: Files, value: int) -> None:
    save_array(files.labels, np.array([0, 1, 2, value, 0, value]))
    message = says(files.labels, "noise", "2 labels outside 0 to 2", f"first is {value} for test/3 (row 3)")
    with pytest.raises(StudyError, match=message):
        load_labels(files.labels, files.load())


@pytest.mark.parametrize(("labels", "found"), [(np.array([0, 1]), "int64 [2]"), (np.zeros(6), "float64 [6]")])
def test_labels_of_another_length_or_type_are_refused(files: Files, labels: np.ndarray, found: str) -> None:
    save_array(files.labels, labels)
    with pytest.raises(StudyError, match=says(files.labels, "noise", found, "expected int64 [6]")):
        load_labels(files.labels, files.load())


def test_probabilities_are_the_softmax(files: Files) -> None:
    loaded = files.load()
    expected = softmax(np.stack(loaded.logits).astype(np.float64), axis=2)
    result = probabilities(loaded.logits)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_probabilities_of_extreme_logits_sum_to_one() -> None:
    extreme = np.array([[3e38, -3e38, 0], [-3e38, -3e38, -3e38], [700, 0, -700]], np.float32)
    result = probabilities([extreme])[0]
    torch.testing.assert_close(result.sum(1), torch.ones(3))
    torch.testing.assert_close(result[1], torch.full((3,), 1 / 3))


def test_equal_logits_predict_the_lowest_class() -> None:
    assert predicted_classes([np.array([[1, 2, 2], [0, 0, 0]], np.float32)]).tolist() == [[1, 0]]
