"""Argument checks that all kernels share: a `ValueError` names the wrong argument and the first offending index."""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch

Reduction = Literal["mean", "sum"]

# Limits the copies that a check makes, since an input may be nearly as large as memory.
CHUNK_ELEMENTS = 1 << 24


def require_tensor(name: str, tensor: torch.Tensor, dimensions: str) -> None:
    """`dimensions` names the axes, for example "members, samples"; none of them may be empty."""
    axes = dimensions.split(", ")
    if tensor.ndim != len(axes):
        raise ValueError(f"{name}: expected {len(axes)} dimensions [{dimensions}], got shape {list(tensor.shape)}")
    for axis, length in zip(axes, tensor.shape, strict=True):
        if length == 0:
            raise ValueError(f"{name}: needs at least one of {axis}, got shape {list(tensor.shape)}")


def require_integer(name: str, tensor: torch.Tensor) -> None:
    if tensor.is_floating_point() or tensor.is_complex() or tensor.dtype is torch.bool:
        raise ValueError(f"{name}: expected an integer dtype, got {tensor.dtype}")


def require_float(name: str, tensor: torch.Tensor) -> None:
    if not tensor.is_floating_point():
        raise ValueError(f"{name}: expected a floating dtype, got {tensor.dtype}")


def require_bool(name: str, tensor: torch.Tensor) -> None:
    if tensor.dtype is not torch.bool:
        raise ValueError(f"{name}: expected dtype torch.bool, got {tensor.dtype}")


def require_same_device(name: str, tensor: torch.Tensor, device: torch.device) -> None:
    if tensor.device != device:
        raise ValueError(f"{name}: is on {tensor.device}, the first argument on {device}")


def require_choice(name: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(choices)}; got {value!r}")


def require_reduction(reduction: object) -> None:
    require_choice("reduction", reduction, get_args(Reduction))


def require_finite(name: str, tensor: torch.Tensor) -> None:
    """Neither NaN nor infinite."""
    for start, chunk in _chunks(tensor):
        low, high = _extremes(chunk)
        if not (low > -math.inf and high < math.inf):  # also false for NaN, because the extremes are then NaN
            _refuse_first(name, ~torch.isfinite(chunk), chunk, start, "is not finite")


def require_range(name: str, tensor: torch.Tensor, low: int, high: int) -> int:
    """Every value in [low, high); returns the largest."""
    largest_of_all = low
    for start, chunk in _chunks(tensor):
        smallest, largest = _extremes(chunk)
        if smallest < low or largest >= high:
            wide = chunk.long()
            _refuse_first(name, (wide < low) | (wide >= high), chunk, start, f"is outside [{low}, {high})")
        largest_of_all = max(largest_of_all, int(largest))
    return largest_of_all


def require_probabilities(name: str, tensor: torch.Tensor, most: float = math.inf) -> None:
    """Finite, not negative, and not above `most`; row sums are not checked, as classes may have been left out."""
    for start, chunk in _chunks(tensor):
        low, high = _extremes(chunk)
        if not (low >= 0 and high < math.inf and high <= most):
            _refuse_first(name, ~torch.isfinite(chunk), chunk, start, "is not finite")
            _refuse_first(name, chunk < 0, chunk, start, "is negative")
            _refuse_first(name, chunk > most, chunk, start, f"is above {most:g}")


def _extremes(chunk: torch.Tensor) -> tuple[float, float]:
    smallest, largest = torch.aminmax(chunk)
    return smallest.item(), largest.item()


def rows_of_chunk(elements_of_row: int) -> int:
    """How many rows of this many elements are copied at a time."""
    return max(1, CHUNK_ELEMENTS // elements_of_row)


def _chunks(tensor: torch.Tensor) -> list[tuple[int, torch.Tensor]]:
    rows = rows_of_chunk(tensor[0].numel())
    return [(start, tensor[start : start + rows]) for start in range(0, tensor.shape[0], rows)]


def _refuse_first(name: str, bad: torch.Tensor, chunk: torch.Tensor, start: int, what: str) -> None:
    offending = bad.nonzero()
    if len(offending) == 0:
        return
    position = tuple(offending[0].tolist())
    index = ", ".join(str(i) for i in (position[0] + start, *position[1:]))
    raise ValueError(f"{name}[{index}]: {chunk[position].item()} {what}")


def require_labelled_probabilities(probabilities: torch.Tensor, labels: torch.Tensor) -> None:
    """Raise ValueError unless probabilities are float [M, N, C] and labels integer [N] in [0, C), on one device."""
    require_tensor("probabilities", probabilities, "members, samples, classes")
    require_float("probabilities", probabilities)
    _, samples, classes = probabilities.shape
    require_tensor("labels", labels, "samples")
    require_integer("labels", labels)
    require_same_device("labels", labels, probabilities.device)
    if len(labels) != samples:
        raise ValueError(f"labels: has {len(labels)} samples, probabilities has {samples}")
    require_range("labels", labels, 0, classes)
