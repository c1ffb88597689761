"""What all members predict for one dataset, checked before anything is compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from scripts.lib.errors import StudyError
from scripts.lib.storage import digest_of_lines, load_array, load_json, load_lines


@dataclass(frozen=True)
class Predictions:
    """Logits of all members on one dataset: M arrays [N, C] (memory-mapped), in the order of `members`."""

    dataset: str
    members: list[str]
    logits: list[np.ndarray]


def probabilities(logits: Sequence[np.ndarray]) -> torch.Tensor:
    """Softmax of the members' logits, float32 [M, N, C]; computed in float64, so that extreme logits are safe."""
    return torch.stack([torch.from_numpy(np.array(member)).double().softmax(1).float() for member in logits])


def predicted_classes(logits: Sequence[np.ndarray]) -> torch.Tensor:
    """The members' predicted classes, int64 [M, N]; of equal logits the lowest class."""
    return torch.from_numpy(np.stack([member.argmax(1) for member in logits]))


def check_records(dataset: str, members: Sequence[str], records: Sequence[str], samples: str) -> int:
    """The number of samples of the dataset, after making sure that every member saw these samples in this order.

    `records` are the JSON files beside the predictions. Raises StudyError naming the first member that differs.
    """
    ids = load_lines(samples)
    digest = digest_of_lines(ids)
    for member, path in zip(members, records, strict=True):
        record = load_json(path)
        if record["samples"] != digest:
            raise StudyError(
                f"member {member} was run on other samples of dataset {dataset} than {samples} lists: {path} has "
                f"{record['sample_count']} samples with digest {record['samples'][:12]}, the list {len(ids)} samples "
                f"with digest {digest[:12]}. Delete {path} and run again."
            )
    return len(ids)


def load_predictions(
    dataset: str, members: Sequence[str], predictions: Sequence[str], records: Sequence[str], samples: str
) -> Predictions:
    """Open the predictions of all members on one dataset.

    Raises StudyError, naming the member and the dataset, for other samples, another number of samples or classes, a
    wrong type, or a logit that is NaN or infinite.
    """
    count = check_records(dataset, members, records, samples)
    logits = [load_array(path) for path in predictions]
    classes = logits[0].shape[-1]
    for member, path, array in zip(members, predictions, logits, strict=True):
        if array.ndim != 2 or array.dtype not in (np.float16, np.float32):
            raise StudyError(
                f"{path} (member {member}, dataset {dataset}) is {array.dtype} {list(array.shape)}; expected float16 or "
                "float32 [samples, classes]. Delete it and run again."
            )
        if array.shape != (count, classes):
            raise StudyError(
                f"member {member} has predictions of {array.shape[0]} samples and {array.shape[1]} classes on dataset "
                f"{dataset}; expected {count} samples and {classes} classes. Delete {path} and run again."
            )
        require_finite_logits(array, member, dataset, load_lines(samples))
    return Predictions(dataset, list(members), logits)


def load_labels(path: str | Path, predictions: Predictions) -> torch.Tensor:
    """Labels int64 [N]. Raises StudyError if they do not fit the predictions."""
    labels = load_array(path)
    count, classes = predictions.logits[0].shape
    if labels.shape != (count,):
        raise StudyError(f"{path} has labels {list(labels.shape)}, the predictions have {count} samples.")
    if labels.min() < 0 or labels.max() >= classes:
        raise StudyError(f"{path} has labels {labels.min()} to {labels.max()}, the predictions have {classes} classes.")
    return torch.from_numpy(np.array(labels))


def require_finite_logits(logits: np.ndarray, member: str, dataset: str, samples: list[str]) -> None:
    """Raise StudyError naming member, dataset and first sample if a logit is NaN or infinite."""
    bad = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(bad):
        raise StudyError(
            f"the logits of member {member} on dataset {dataset} are not finite for {len(bad)} of {len(logits)} "
            f"samples; the first is {samples[bad[0]]} (row {bad[0]}). Check the member's training."
        )
