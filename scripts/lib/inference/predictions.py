"""The predictions of all members on one dataset, checked before anything is compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from scripts.lib.inference.recorded import RecordedFiles, remedy
from scripts.lib.jobs.checksums import require_undamaged
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import digest_of_lines, load_array, load_json, load_lines


@dataclass(frozen=True)
class Predictions:
    """Logits of all members on one dataset: M arrays float [N, C] (memory-mapped), in the order of `members`.

    `scored` has the labels of the C classes in ascending order if they are only some of the study's classes.
    """

    dataset: str
    members: list[str]
    samples: list[str]
    logits: list[np.ndarray]
    scored: list[int] | None = None


def probabilities(logits: Sequence[np.ndarray], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Softmax of the members' logits [N, C], [M, N, C]; computed in float64, so extreme logits are safe.

    As float32, probabilities above 1 − 3e-8 become 1.
    """
    result = torch.empty(len(logits), *logits[0].shape, dtype=dtype)
    for row, member in zip(result, logits, strict=True):
        row.copy_(torch.from_numpy(np.array(member)).double().softmax(1))
    return result


def log_probabilities(logits: Sequence[np.ndarray]) -> torch.Tensor:
    """Logarithms of the softmax of the members' logits [N, C], float64 [M, N, C]; none becomes minus infinity."""
    result = torch.empty(len(logits), *logits[0].shape, dtype=torch.float64)
    for row, member in zip(result, logits, strict=True):
        row.copy_(torch.from_numpy(np.array(member)).double().log_softmax(1))
    return result


def predicted_classes(logits: Sequence[np.ndarray]) -> torch.Tensor:
    """The members' predicted classes, int64 [M, N]; of several equal logits, the lowest class."""
    return torch.from_numpy(np.stack([member.argmax(1) for member in logits]))


def load_predictions(files: RecordedFiles) -> Predictions:
    """Open the predictions of all members on one dataset.

    Classes that are null in `files.classes` do not count on this dataset: their logits are left out.
    Raises StudyError, naming the member and the dataset, for different samples, a different number of samples or
    classes, a wrong data type, a logit that is NaN or infinite, or a damaged file.
    """
    ids = checked_samples(files, "predictions")
    names = load_json(files.classes)
    expected = (len(ids), len(names))
    logits = [load_array(path) for path in files.arrays]
    for member, path, array in zip(files.members, files.arrays, logits, strict=True):
        _check_logits(array, expected, path, member, files.dataset)
        require_finite_logits(array, member, files.dataset, ids)
    scored = scored_labels(names)
    if scored is None:
        return Predictions(files.dataset, list(files.members), ids, logits)
    return Predictions(files.dataset, list(files.members), ids, [array[:, scored] for array in logits], scored)


def scored_labels(names: Sequence[str | None]) -> list[int] | None:
    """The labels of the classes that count on a set, whose others are None; None if all count."""
    scored = [label for label, name in enumerate(names) if name is not None]
    return None if len(scored) == len(names) else scored


def checked_samples(files: RecordedFiles, kind: str) -> list[str]:
    """The sample ids of the dataset, after making sure that every member was run on these samples in this order.

    `kind` says what `files.arrays` are: predictions, attributions or activations. Raises StudyError naming the first
    member that differs, or a damaged file.
    """
    require_undamaged(files.set_record, labels=files.labels, samples=files.samples)
    ids = load_lines(files.samples)
    if not ids:
        raise StudyError(f"{files.samples} lists no samples of dataset {files.dataset}. Delete it and run again.")
    _require_run_on(ids, files)
    for path, record in zip(files.arrays, files.records, strict=True):
        require_undamaged(record, remedy(path), **{kind: path})
    return ids


def _require_run_on(ids: list[str], files: RecordedFiles) -> None:
    digest, dataset, samples = digest_of_lines(ids), files.dataset, files.samples
    for member, path in zip(files.members, files.records, strict=True):
        record = load_json(path)
        if not isinstance(record, dict) or not {"samples", "sample_count"} <= record.keys():
            raise StudyError(
                f"{path} does not say which samples of dataset {dataset} member {member} was run on "
                f"(`samples`, `sample_count`). {remedy(path)} and run again."
            )
        if record["samples"] != digest:
            raise StudyError(
                f"member {member} was run on other samples of dataset {dataset} than {samples} lists: {path} has "
                f"{record['sample_count']} samples with digest {str(record['samples'])[:12]}, the list {len(ids)} "
                f"samples with digest {digest[:12]}. {remedy(path)} and run again."
            )


def _check_logits(array: np.ndarray, expected: tuple[int, int], path: str, member: str, dataset: str) -> None:
    if array.ndim != 2 or array.dtype not in (np.float16, np.float32):
        raise StudyError(
            f"{path} (member {member}, dataset {dataset}) is {array.dtype} {list(array.shape)}; expected float16 or "
            f"float32 [samples, classes]. {remedy(path)} and run again."
        )
    if array.shape != expected:
        raise StudyError(
            f"member {member} has predictions of {array.shape[0]} samples and {array.shape[1]} classes on dataset "
            f"{dataset}; expected {expected[0]} samples and {expected[1]} classes ({path}). {remedy(path)} and run "
            "again."
        )


def require_finite_logits(logits: np.ndarray, member: str, dataset: str, samples: Sequence[str]) -> None:
    """Raise StudyError naming member, dataset and first sample if a logit is NaN or infinite."""
    bad = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(bad):
        raise StudyError(
            f"the logits of member {member} on dataset {dataset} are not finite for {len(bad)} of {len(logits)} "
            f"samples; the first is {samples[bad[0]]} (row {bad[0]}). Check the member's training."
        )


def load_labels(path: str | Path, predictions: Predictions) -> torch.Tensor:
    """Labels int64 [N], as positions among the classes of the logits.

    Raises StudyError, naming the dataset and the first bad sample, if they do not fit.
    """
    labels = load_array(path)
    count, classes = predictions.logits[0].shape
    if predictions.scored is not None:
        labels = _among(labels, predictions.scored)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise StudyError(
            f"{path} (dataset {predictions.dataset}) is {labels.dtype} {list(labels.shape)}; expected int64 [{count}], "
            "one label per sample of the predictions. Delete it and run again."
        )
    bad = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(bad):
        raise StudyError(
            f"{path} (dataset {predictions.dataset}) has {len(bad)} labels outside 0 to {classes - 1}, the classes of "
            f"the predictions; the first is {labels[bad[0]]} for {predictions.samples[bad[0]]} (row {bad[0]}). "
            "Delete it and run again."
        )
    return torch.from_numpy(labels.astype(np.int64))


def _among(labels: np.ndarray, scored: list[int]) -> np.ndarray:
    """Labels as positions among the classes that count; -1 for a label that does not."""
    positions = np.searchsorted(scored, labels).clip(max=len(scored) - 1)
    return np.where(np.array(scored)[positions] == labels, positions, -1)
