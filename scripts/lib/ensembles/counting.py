"""One pass over the predictions: all that tables of members and ensembles are made from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from scripts.lib.ensembles.counts import Tally, no_tallies, probability_blocks, tallies_of_block
from scripts.lib.ensembles.image_groups import GroupCounts, counts_of_block
from scripts.lib.inference.predictions import Predictions, load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.shards import groups_of_images, shard


@dataclass(frozen=True)
class Question:
    """What is counted: correct answers and scores of the ensembles `chosen` bool [E, M], by each `consensus`; those of
    the ensembles `in_groups`, bool [E', M], also in groups of images."""

    chosen: np.ndarray
    in_groups: np.ndarray
    consensus: Sequence[str]


@dataclass(frozen=True)
class Counted:
    """The tallies of the even and of the odd samples, and the counts in groups of images."""

    halves: tuple[Tally, Tally]
    groups: GroupCounts


def count_in_files(
    files: RecordedFiles, question: Question, device: torch.device, part: int = 0, parts: int = 1
) -> Counted:
    """Count over one of `parts` shards of the samples.

    Raises StudyError, naming member, dataset and file, for files that do not fit.
    """
    predictions = load_predictions(files)
    labels = load_labels(files.labels, predictions)
    return count_samples(predictions, labels, shard(len(labels), part, parts), question, device)


def count_samples(
    predictions: Predictions, labels: torch.Tensor, rows: range, question: Question, device: torch.device
) -> Counted:
    """Count over the samples `rows`, which begin at an even one: block by block, so memory does not grow with N."""
    members, consensus = len(predictions.members), question.consensus
    even, odd = no_tallies(question.chosen, consensus)
    groups = GroupCounts.zeros(groups_of_images(members), members + len(question.in_groups), consensus)
    start = rows.start
    for values, answers in probability_blocks(predictions, labels, rows, device, "ensembles"):
        of_even, of_odd = tallies_of_block(values, answers, question.chosen, consensus)
        even, odd = even + of_even, odd + of_odd
        groups += counts_of_block(values, answers, start, question.in_groups, consensus)
        start += len(answers)
    return Counted((even, odd), groups)
