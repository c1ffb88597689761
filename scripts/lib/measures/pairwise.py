"""One measure on one dataset: from the members' files to sums over samples."""

import numpy as np
import torch

from scripts.lib.inference.predictions import checked_samples, load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.job import progress
from scripts.lib.jobs.shards import blocks, shard
from scripts.lib.measures.recorded import Recorded, load_recorded
from scripts.lib.measures.spec import Measure


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
) -> tuple[torch.Tensor, int]:
    """The measure's sums float64 [M, M] over one of `parts` shards of the samples, and their number."""
    recorded = open_recorded(measure, files)
    rows = shard(len(recorded.arrays[0]), part, parts)
    return pairwise_sums(measure, recorded, rows, device, f"{measure.name} on {files.dataset}"), len(rows)


def pairwise_sums(measure: Measure, recorded: Recorded, rows: range, device: torch.device, title: str) -> torch.Tensor:
    """The measure's sums over the samples `rows`, float64 [M, M], block by block."""
    members = len(recorded.arrays)
    # Four bytes per number, since the kernels compute with float32 where float16 is recorded.
    sample = 4 * sum(int(np.prod(array.shape[1:])) for array in recorded.arrays)
    pieces = [slice(rows.start, rows.stop)] if measure.whole else list(blocks(rows, sample))
    total = torch.zeros(members, members, dtype=torch.float64, device=device)
    for piece in progress(pieces, title, "block"):
        total += measure.sums(recorded[piece], device)
    return total
