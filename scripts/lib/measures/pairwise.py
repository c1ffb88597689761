"""One measure on one dataset: from the members' files to sums over samples, and to values."""

from collections.abc import Iterator

import numpy as np
import torch

from scripts.lib.inference.predictions import checked_samples, load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.job import progress
from scripts.lib.jobs.shards import MINIBATCH, blocks, half_sizes, shard
from scripts.lib.measures.recorded import Recorded, load_recorded
from scripts.lib.measures.spec import Measure
from scripts.lib.measures.tables import PairwiseSums


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
    members = len(recorded.arrays)
    nothing = torch.zeros(members, members, dtype=torch.float64, device=device)
    total = PairwiseSums(0, nothing, nothing, nothing)
    for piece in progress(list(_pieces(measure, recorded, rows)), title, "block"):
        total += _of_block(measure, recorded[piece], device)
    return total


def _pieces(measure: Measure, recorded: Recorded, rows: range) -> Iterator[slice]:
    """The samples that are looked at together."""
    if measure.whole:
        return iter([slice(rows.start, rows.stop)])
    if not measure.divisible:  # one minibatch at a time, so that each half always has the same half minibatches
        return (slice(start, min(start + MINIBATCH, rows.stop)) for start in range(rows.start, rows.stop, MINIBATCH))
    # Four bytes per number, since the kernels compute with float32 where float16 is recorded.
    return blocks(rows, 4 * sum(int(np.prod(array.shape[1:])) for array in recorded.arrays))


def _of_block(measure: Measure, recorded: Recorded, device: torch.device) -> PairwiseSums:
    samples = len(recorded.arrays[0])
    even = measure.sums(recorded[::2], device)
    odd = measure.sums(recorded[1::2], device) if samples > 1 else torch.zeros_like(even)
    whole = even + odd if measure.divisible else measure.sums(recorded, device)
    return PairwiseSums(samples, whole, even, odd)


def values(measure: Measure, sums: PairwiseSums) -> dict[str, torch.Tensor]:
    """The columns of a pairwise table: the measure over all samples, over the even and over the odd ones, [M, M] each.

    NaN where the measure is undefined, and for the odd samples if there is only one sample.
    """
    even, odd = half_sizes(sums.samples)
    undefined = torch.full_like(sums.odd, torch.nan)
    return {
        "value": measure.value(sums.whole, sums.samples),
        "value_even": measure.value(sums.even, even),
        "value_odd": measure.value(sums.odd, odd) if odd else undefined,
    }
