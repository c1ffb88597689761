"""One measure on one dataset: from the members' files to sums over samples."""

from collections.abc import Sequence
from typing import Any

import torch

from scripts.lib.inference.predictions import (
    check_records,
    load_labels,
    load_predictions_of,
    recorded_paths,
    require_undamaged_arrays,
)
from scripts.lib.jobs.shards import shard
from scripts.lib.jobs.storage import require_undamaged
from scripts.lib.measures.measures import Measure, Recorded, load_recorded, pairwise_sums


def open_recorded(measure: Measure, dataset: str, members: Sequence[str], files: Any) -> Recorded:
    """What the measure compares, checked and memory-mapped; `files` has the inputs of rule `pairwise`.

    Raises StudyError, naming member, dataset and file, for what does not fit.
    """
    if measure.needs != "predictions":
        records = recorded_paths(files, "predictions", dataset, members, "json")
        require_undamaged(files.set_record, samples=files.samples)
        samples = check_records(dataset, members, records, files.samples)
        arrays = recorded_paths(files, measure.needs, dataset, members, "npy")
        require_undamaged_arrays(measure.needs, arrays, records)
        return Recorded(load_recorded(measure.needs, dataset, members, arrays, samples))
    predictions = load_predictions_of(dataset, members, files)
    return Recorded(predictions.logits, load_labels(files.labels, predictions))


def compare(
    measure: Measure,
    dataset: str,
    members: Sequence[str],
    files: Any,
    device: torch.device,
    part: int = 0,
    parts: int = 1,
) -> tuple[torch.Tensor, int]:
    """The measure's sums float64 [M, M] over one of `parts` shards of the samples, and how many these are."""
    recorded = open_recorded(measure, dataset, members, files)
    rows = shard(len(recorded.arrays[0]), part, parts)
    return pairwise_sums(measure, recorded, rows, device, f"{measure.name} on {dataset}"), len(rows)
