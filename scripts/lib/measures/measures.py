"""Pairwise measures of diversity: a measure is one function from the members' recorded arrays to a matrix of sums."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import polars as pl
import torch

import kernels
from kernels import correctness_measures
from scripts.lib.inference.predictions import predicted_classes, probabilities
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import progress
from scripts.lib.jobs.shards import MINIBATCH, blocks
from scripts.lib.jobs.storage import load_array, load_table


@dataclass(frozen=True)
class Recorded:
    """What a measure sees of the same samples: M arrays [n, ...], and the labels int64 [n] if these are predictions."""

    arrays: Sequence[np.ndarray]
    labels: torch.Tensor | None = None

    def __getitem__(self, rows: slice) -> "Recorded":
        labels = None if self.labels is None else self.labels[rows]
        return Recorded([array[rows] for array in self.arrays], labels)


def mean(sums: torch.Tensor, samples: int) -> torch.Tensor:
    """What most measures are: the mean over samples."""
    return sums / samples


@dataclass(frozen=True)
class Measure:
    """A pairwise measure.

    `needs` is the folder of the recorded arrays: predictions, attributions or activations. `sums` takes them, and the
    device, and returns float64 [M, M]; the sums of blocks of samples add up, unless the measure is `whole`. `value`
    makes the measure of the sums and the number of samples. Where it is correlated with improvement, a `similarity`
    is turned into 1 - value.
    """

    name: str
    needs: Literal["predictions", "attributions", "activations"]
    similarity: bool
    sums: Callable[[Recorded, torch.device], torch.Tensor]
    value: Callable[[torch.Tensor, int], torch.Tensor] = mean
    whole: bool = False

    @property
    def diversity(self) -> str:
        """The name under which it is correlated with improvement."""
        if not self.similarity:
            return self.name
        kind = self.name.removesuffix("_similarity")
        return f"one_minus_{self.name}" if kind == self.name else f"{kind}_dissimilarity"

    def as_diversity(self, matrix: np.ndarray) -> np.ndarray:
        """The values turned so that more means more diverse."""
        return 1 - matrix if self.similarity else matrix


def _disagreement(recorded: Recorded, device: torch.device) -> torch.Tensor:
    return kernels.disagreement(predicted_classes(recorded.arrays).to(device), reduction="sum")


def _js_divergence(recorded: Recorded, device: torch.device) -> torch.Tensor:
    return kernels.js_divergence(probabilities(recorded.arrays).to(device), reduction="sum")


def _joint_correctness(recorded: Recorded, device: torch.device) -> torch.Tensor:
    assert recorded.labels is not None  # they come with predictions
    correct = predicted_classes(recorded.arrays) == recorded.labels
    return kernels.joint_correctness(correct.to(device)).double()


def _of_joint(measure: Callable[[torch.Tensor, int], torch.Tensor]) -> Callable[[torch.Tensor, int], torch.Tensor]:
    """A classic measure, which follows from how many samples both members of a pair get right."""
    return lambda sums, samples: measure(sums.long(), samples)


def _attributions(recorded: Recorded, device: torch.device, measure: Any) -> torch.Tensor:
    maps = torch.from_numpy(np.stack(recorded.arrays)).flatten(2).to(device)
    return kernels.attribution_similarity(maps, measure, reduction="sum")


def _activations(recorded: Recorded, device: torch.device) -> list[torch.Tensor]:
    return [torch.from_numpy(np.array(member)).to(device) for member in recorded.arrays]


def _linear_alignment(recorded: Recorded, device: torch.device) -> torch.Tensor:
    return kernels.cka(_activations(recorded, device))


def _unbiased_alignment(recorded: Recorded, device: torch.device) -> torch.Tensor:
    """Sums over minibatches; a last one of fewer than the four samples that the estimate needs is left out."""
    members = _activations(recorded, device)
    total = torch.zeros(len(members), len(members), dtype=torch.float64, device=device)
    for batch in zip(*(member.split(MINIBATCH) for member in members), strict=True):
        if len(batch[0]) >= 4:
            total += kernels.hsic_sums(batch)
    return total


MEASURES = {
    measure.name: measure
    for measure in [
        Measure("disagreement", "predictions", False, _disagreement),
        Measure("attribution_similarity", "attributions", True, partial(_attributions, measure="cosine")),
        Measure("activation_similarity", "activations", True, _linear_alignment, lambda value, _: value, whole=True),
        Measure("js_divergence", "predictions", False, _js_divergence),
        *(
            Measure(name, "predictions", similarity, _joint_correctness, _of_joint(value))
            for name, similarity, value in [
                ("oracle_disagreement", False, correctness_measures.oracle_disagreement),
                ("double_fault", True, correctness_measures.double_fault),
                ("yules_q", True, correctness_measures.yules_q),
                ("correctness_correlation", True, correctness_measures.correctness_correlation),
                ("error_consistency", True, correctness_measures.error_consistency),
            ]
        ),
        *(
            Measure(f"attribution_{kind}_similarity", "attributions", True, partial(_attributions, measure=kind))
            for kind in ("pearson", "spearman", "topk_iou")
        ),
        Measure(
            "unbiased_activation_similarity",
            "activations",
            True,
            _unbiased_alignment,
            lambda sums, _: kernels.cka_of_sums(sums),
        ),
    ]
}


def pairwise_sums(measure: Measure, recorded: Recorded, rows: range, device: torch.device, title: str) -> torch.Tensor:
    """The measure's sums over the samples `rows`, float64 [M, M], block by block."""
    members = len(recorded.arrays)
    # Four bytes a number, since the kernels compute with float32 where float16 is recorded.
    sample = 4 * sum(int(np.prod(array.shape[1:])) for array in recorded.arrays)
    pieces = [slice(rows.start, rows.stop)] if measure.whole else list(blocks(rows, sample))
    total = torch.zeros(members, members, dtype=torch.float64, device=device)
    for piece in progress(pieces, title, "block"):
        total += measure.sums(recorded[piece], device)
    return total


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


def load_sums(paths: Sequence[str], members: Sequence[str]) -> tuple[torch.Tensor, int]:
    """Sums float64 [M, M] and number of samples of all shards together."""
    sums = sum(load_pairwise(path, members) for path in paths)
    return torch.as_tensor(sums), sum(load_table(path)["samples"][0] for path in paths)


def load_pairwise(path: str, members: Sequence[str], compared: Sequence[str] | None = None) -> np.ndarray:
    """The matrix float64 [M, M] of a pairwise table, in the order of `members`; NaN where a pair has no value.

    `compared` are the members that the measure compares (default: all); pairs with others have no value. Raises
    StudyError if the table does not have every pair of the compared members exactly once.
    """
    compared = members if compared is None else compared
    matrix, place = np.full((len(members), len(members)), np.nan), [list(members).index(name) for name in compared]
    matrix[np.ix_(place, place)] = _complete_matrix(path, compared)
    return matrix


def _complete_matrix(path: str, members: Sequence[str]) -> np.ndarray:
    rows = load_table(path).select("member_a", "member_b", "value").rows()
    values = {(first, second): value for first, second, value in rows}
    pairs = [(first, second) for first in members for second in members]
    if len(rows) != len(pairs) or not values.keys() >= set(pairs):
        raise StudyError(
            f"{path} has {len(rows)} rows, not one for each of the {len(pairs)} pairs of members of the study. "
            "Delete it and run again."
        )
    return np.array([values[pair] for pair in pairs], dtype=np.float64).reshape(len(members), len(members))
