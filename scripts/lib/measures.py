"""Pairwise measures of diversity: a measure is one function from the members' recorded arrays to a matrix."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

import kernels
from scripts.lib.errors import StudyError
from scripts.lib.predictions import predicted_classes, probabilities
from scripts.lib.storage import load_array


@dataclass(frozen=True)
class Measure:
    """A pairwise measure.

    `needs` is the folder of the recorded arrays: predictions, attributions or activations. `compute` takes the M
    members' arrays and the device and returns float64 [M, M]. A `similarity` is turned into a diversity (1 - value)
    where it is correlated with improvement, under the name `diversity`.
    """

    name: str
    diversity: str
    needs: str
    similarity: bool
    compute: Callable[[Sequence[np.ndarray], torch.device], torch.Tensor]


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


def load_recorded(dataset: str, members: Sequence[str], paths: Sequence[str]) -> list[np.ndarray]:
    """Open attributions or activations of all members.

    Raises StudyError for another number of samples than the first member's, or for NaN or infinite values.
    """
    arrays = [load_array(path) for path in paths]
    for member, path, array in zip(members, paths, arrays, strict=True):
        if len(array) != len(arrays[0]):
            raise StudyError(
                f"{path} (member {member}, dataset {dataset}) has {len(array)} samples, that of {members[0]} has "
                f"{len(arrays[0])}. Delete it and run again."
            )
        bad = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(1))
        if len(bad):
            raise StudyError(
                f"{path} (member {member}, dataset {dataset}) is not finite for {len(bad)} samples, the first is row "
                f"{bad[0]}. Activations beyond 65 504 do not fit float16: check the member's training."
            )
    return arrays


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
    )


def pairwise_matrix(table: pl.DataFrame, members: Sequence[str]) -> np.ndarray:
    """The matrix float64 [M, M] of a table, its rows and columns in the order of `members`."""
    order = pl.Enum(list(members))
    pairs = table.with_columns(pl.col("member_a", "member_b").cast(order)).sort("member_a", "member_b")
    return pairs["value"].to_numpy().reshape(len(members), len(members))
