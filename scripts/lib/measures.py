"""Pairwise measures of diversity: a measure is one function from the members' recorded arrays to a matrix."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

import kernels
from scripts.lib.errors import StudyError
from scripts.lib.predictions import predicted_classes, probabilities
from scripts.lib.storage import load_array, load_table


@dataclass(frozen=True)
class Measure:
    """A pairwise measure.

    `needs` is the folder of the recorded arrays: predictions, attributions or activations. `compute` takes the M
    members' arrays and the device and returns float64 [M, M]. Where it is correlated with improvement, the measure is
    called `diversity` and a `similarity` is turned into 1 - value.
    """

    name: str
    diversity: str
    needs: str
    similarity: bool
    compute: Callable[[Sequence[np.ndarray], torch.device], torch.Tensor]

    def as_diversity(self, matrix: np.ndarray) -> np.ndarray:
        """The values turned so that more means more diverse."""
        return 1 - matrix if self.similarity else matrix


def _disagreement(logits: Sequence[np.ndarray], device: torch.device) -> torch.Tensor:
    return kernels.disagreement(predicted_classes(logits).to(device))


def _js_divergence(logits: Sequence[np.ndarray], device: torch.device) -> torch.Tensor:
    return kernels.js_divergence(probabilities(logits).to(device))


def _attribution_similarity(maps: Sequence[np.ndarray], device: torch.device) -> torch.Tensor:
    return kernels.attribution_similarity(torch.from_numpy(np.stack(maps)).flatten(2).to(device))


def _activation_similarity(features: Sequence[np.ndarray], device: torch.device) -> torch.Tensor:
    return kernels.cka([torch.from_numpy(np.array(member)).to(device) for member in features])


MEASURES = {
    measure.name: measure
    for measure in [
        Measure("disagreement", "disagreement", "predictions", False, _disagreement),
        Measure("attribution_similarity", "attribution_dissimilarity", "attributions", True, _attribution_similarity),
        Measure("activation_similarity", "activation_dissimilarity", "activations", True, _activation_similarity),
        Measure("js_divergence", "js_divergence", "predictions", False, _js_divergence),
    ]
}

# Attribution maps must have one size to be compared; activations have as many features as their member's head.
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
                "Delete it and run again."
            )
        if not 0 < len(array) <= len(samples):
            raise StudyError(
                f"{where} has {len(array)} rows for the {len(samples)} samples of the dataset. Delete it and run again."
            )
        compared = array.ndim if kind == "attributions" else 1
        if array.shape[:compared] != arrays[0].shape[:compared]:
            raise StudyError(
                f"{where} has {_size(array, kind)}, that of member {members[0]} {_size(arrays[0], kind)}. "
                "Delete the wrong one and run again."
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


def pairwise_table(matrix: torch.Tensor, members: Sequence[str], samples: int) -> pl.DataFrame:
    """A symmetric matrix [M, M] in long form: both triangles and the diagonal, row by row."""
    count = len(members)
    return pl.DataFrame(
        {
            "member_a": np.repeat(members, count),
            "member_b": np.tile(members, count),
            "value": matrix.cpu().numpy().ravel(),
            "samples": np.full(count * count, samples),
        }
    ).with_columns(pl.col("value").fill_nan(None))


def load_pairwise(path: str, members: Sequence[str]) -> np.ndarray:
    """The matrix float64 [M, M] of a pairwise table, in the order of `members`; NaN where a pair has no value.

    Raises StudyError if the table does not have every pair of these members exactly once.
    """
    rows = load_table(path).select("member_a", "member_b", "value").rows()
    values = {(first, second): value for first, second, value in rows}
    pairs = [(first, second) for first in members for second in members]
    if len(rows) != len(pairs) or not values.keys() >= set(pairs):
        raise StudyError(
            f"{path} has {len(rows)} rows, not one for each of the {len(pairs)} pairs of members of the study. "
            "Delete it and run again."
        )
    return np.array([values[pair] for pair in pairs], dtype=np.float64).reshape(len(members), len(members))
