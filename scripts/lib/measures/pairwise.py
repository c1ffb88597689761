"""One measure on one dataset: from the members' files to sums over samples, and to values."""

from collections.abc import Iterator

import numpy as np
import torch

from kernels.cpu import similar_calls
from scripts.lib.inference.predictions import checked_samples, load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.job import progress
from scripts.lib.jobs.shards import HALVES, MINIBATCH, blocks, group_sizes, half_sizes, rows_of_group, shard
from scripts.lib.measures.recorded import Recorded, load_recorded
from scripts.lib.measures.spec import Measure
from scripts.lib.measures.sums import PairwiseSums


def open_recorded(measure: Measure, files: RecordedFiles) -> Recorded:
    """What the measure compares, checked and memory-mapped.

    Raises StudyError, naming member, dataset and file, for arrays that do not fit.
    """
    if measure.needs != "predictions":
        samples = checked_samples(files, measure.needs)
        return Recorded(load_recorded(measure.needs, files.dataset, files.members, files.arrays, samples))
    predictions = load_predictions(files)
    return Recorded(predictions.logits, load_labels(files.labels, predictions))


def compare(
    measure: Measure, files: RecordedFiles, device: torch.device, part: int = 0, parts: int = 1
) -> PairwiseSums:
    """The measure's sums over one of `parts` shards of the samples."""
    recorded = open_recorded(measure, files)
    rows = shard(len(recorded.arrays[0]), part, parts)
    return pairwise_sums(measure, recorded, rows, device, f"{measure.name} on {files.dataset}")


def pairwise_sums(measure: Measure, recorded: Recorded, rows: range, device: torch.device, title: str) -> PairwiseSums:
    """The measure's sums over the samples `rows`, which begin at an even one, block by block."""
    total = PairwiseSums.zeros(len(recorded.arrays), device)
    for piece in progress(list(_pieces(measure, recorded, rows)), title, "block"):
        total += _of_block(measure, recorded[piece], piece.start, device)
    return total


def _pieces(measure: Measure, recorded: Recorded, rows: range) -> Iterator[slice]:
    """The samples that are looked at together."""
    if measure.whole:
        return iter([slice(rows.start, rows.stop)])
    if not measure.divisible:  # one minibatch at a time, so that each half always has the same half minibatches
        return (slice(start, min(start + MINIBATCH, rows.stop)) for start in range(rows.start, rows.stop, MINIBATCH))
    # Four bytes per number, since the kernels compute with float32 where float16 is recorded.
    return blocks(rows, 4 * sum(int(np.prod(array.shape[1:])) for array in recorded.arrays))


def _of_block(measure: Measure, recorded: Recorded, start: int, device: torch.device) -> PairwiseSums:
    """The sums over a block of samples that starts at the even sample `start`."""
    samples, nothing = len(recorded.arrays[0]), PairwiseSums.zeros(len(recorded.arrays), device)

    def over(rows: slice | np.ndarray) -> torch.Tensor:
        part = recorded[rows]
        return measure.sums(part, device) if len(part.arrays[0]) else nothing.whole

    groups = [[rows_of_group(start, half, group) for group in range(nothing.without.shape[1])] for half in (0, 1)]
    if measure.divisible and groups[0]:
        with similar_calls(len(groups[0])):
            of_groups = torch.stack([torch.stack([over(rows) for rows in of_half]) for of_half in groups])
        halves = of_groups.sum(1)
        return PairwiseSums(samples, halves.sum(0), halves, halves[:, None] - of_groups)
    halves = torch.stack([over(slice(half, None, 2)) for half in (0, 1)])
    if measure.divisible:
        return PairwiseSums(samples, halves.sum(0), halves, nothing.without)
    rest = [over(_without(samples, half, rows)) for half, of_half in enumerate(groups) for rows in of_half]
    without = torch.stack(rest).unflatten(0, (2, -1)) if rest else nothing.without
    return PairwiseSums(samples, measure.sums(recorded, device), halves, without)


def _without(samples: int, half: int, rows: slice) -> np.ndarray:
    """The rows of this half that are not among `rows`."""
    return np.setdiff1d(np.arange(half, samples, 2), np.arange(samples)[rows])


def values(measure: Measure, sums: PairwiseSums) -> dict[str, torch.Tensor]:
    """The columns of a pairwise table: the measure over all samples, over the even and over the odd ones, [M, M] each.

    NaN where the measure is undefined, and for the odd samples if there is only one sample.
    """
    halves = zip(HALVES, sums.halves, half_sizes(sums.samples), strict=True)
    return {
        "value": measure.value(sums.whole, sums.samples),
        **{f"value_{half}": _value(measure, of_half, samples) for half, of_half, samples in halves},
    }


def values_without_groups(measure: Measure, sums: PairwiseSums) -> torch.Tensor:
    """The measure over each half without each of its groups of samples, float64 [2, G, M, M].

    NaN where it is undefined, and throughout if a group has no sample. G is 0 for a study of very many members.
    """
    without = sums.without.clone()
    if min(map(min, group_sizes(sums.samples))) == 0:
        return torch.full_like(without, torch.nan)
    for half, (samples, sizes) in enumerate(zip(half_sizes(sums.samples), group_sizes(sums.samples), strict=True)):
        for group in range(without.shape[1]):
            without[half, group] = _value(measure, without[half, group], samples - sizes[group])
    return without


def _value(measure: Measure, sums: torch.Tensor, samples: int) -> torch.Tensor:
    return measure.value(sums, samples) if samples else torch.full_like(sums, torch.nan)
