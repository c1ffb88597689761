"""The recorded arrays of the members that a measure compares, checked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from scripts.lib.inference.recorded import remedy
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_array


@dataclass(frozen=True)
class Recorded:
    """The input of a measure: M arrays [n, ...] of the same samples, and for predictions the labels int64 [n]."""

    arrays: Sequence[np.ndarray]
    labels: torch.Tensor | None = None

    def __getitem__(self, rows: slice | np.ndarray) -> "Recorded":
        labels = None if self.labels is None else self.labels[rows]
        return Recorded([array[rows] for array in self.arrays], labels)


# Attribution maps must have one size to be compared; activations have as many features as the head of their member.
AXES = {"attributions": ("samples", "height", "width"), "activations": ("samples", "features")}


def load_recorded(
    kind: str, dataset: str, members: Sequence[str], paths: Sequence[str], samples: Sequence[str]
) -> list[np.ndarray]:
    """Open the attributions [n, H, W] or activations [n, D] of all members, memory-mapped, for the first n `samples`.

    Raises StudyError, naming member, dataset and file, for a wrong type, a shape that does not fit that of the first
    member or the list of samples, or a value that is NaN or infinite.
    """
    arrays = [load_array(path) for path in paths]
    for member, path, array in zip(members, paths, arrays, strict=True):
        where = f"{path} (member {member}, dataset {dataset})"
        if array.ndim != len(AXES[kind]) or array.dtype not in (np.float16, np.float32):
            raise StudyError(
                f"{where} is {array.dtype} {list(array.shape)}; expected float16 or float32 [{', '.join(AXES[kind])}]. "
                f"{remedy(path)} and run again."
            )
        if not 0 < len(array) <= len(samples):
            raise StudyError(
                f"{where} has {len(array)} rows for the {len(samples)} samples of the dataset. {remedy(path)} and run "
                "again."
            )
        compared = array.ndim if kind == "attributions" else 1
        if array.shape[:compared] != arrays[0].shape[:compared]:
            raise StudyError(
                f"{where} has {_size(array, kind)}, but that of member {members[0]} has {_size(arrays[0], kind)}. "
                f"If this is the wrong one: {remedy(path)} and run again."
            )
        _require_finite(array, where, kind, samples)
    return arrays


def _size(array: np.ndarray, kind: str) -> str:
    pixels = " of {} × {} pixels".format(*array.shape[1:]) if kind == "attributions" else ""
    return f"{len(array)} samples{pixels}"


def _require_finite(array: np.ndarray, where: str, kind: str, samples: Sequence[str]) -> None:
    bad = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(1))
    if len(bad):
        raise StudyError(
            f"{where}: the {kind} are not finite for {len(bad)} of {len(array)} samples; the first is "
            f"{samples[bad[0]]} (row {bad[0]}). Values beyond 65 504 do not fit float16: check the member's training."
        )
