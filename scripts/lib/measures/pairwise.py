"""One measure on one dataset: from the members' files to sums over samples."""

import torch

from scripts.lib.inference.predictions import (
    checked_samples,
    load_labels,
    load_predictions,
)
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.shards import shard
from scripts.lib.measures.measures import Measure, Recorded, load_recorded, pairwise_sums


def open_recorded(measure: Measure, files: RecordedFiles) -> Recorded:
    """What the measure compares, checked and memory-mapped.

    Raises StudyError, naming member, dataset and file, for what does not fit.
    """
    if measure.needs != "predictions":
        samples = checked_samples(files, measure.needs)
        return Recorded(load_recorded(measure.needs, files.dataset, files.members, files.arrays, samples))
    predictions = load_predictions(files)
    return Recorded(predictions.logits, load_labels(files.labels, predictions))


def compare(
    measure: Measure, files: RecordedFiles, device: torch.device, part: int = 0, parts: int = 1
) -> tuple[torch.Tensor, int]:
    """The measure's sums float64 [M, M] over one of `parts` shards of the samples, and how many these are."""
    recorded = open_recorded(measure, files)
    rows = shard(len(recorded.arrays[0]), part, parts)
    return pairwise_sums(measure, recorded, rows, device, f"{measure.name} on {files.dataset}"), len(rows)
