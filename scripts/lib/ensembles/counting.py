"""One pass over the predictions: all that tables of members and ensembles are made from."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from kernels.cpu import similar_calls
from scripts.lib.ensembles.consensus.spec import PROBABILITIES
from scripts.lib.ensembles.counts import Tally, forms_of, no_tally, score_blocks, tallies_of_parts
from scripts.lib.ensembles.image_groups import GroupCounts, Kept, groups_of, kept_of
from scripts.lib.ensembles.patterns import Patterns
from scripts.lib.inference.predictions import Predictions, load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.shards import groups_of_images, rows_of_group, shard


@dataclass(frozen=True)
class Question:
    """What is counted: correct answers and scores of the ensembles `chosen` bool [E, M], by each `consensus`; those of
    the rows `in_groups` int64 [E'] of `chosen` are kept for each group of images."""

    chosen: np.ndarray
    consensus: Sequence[str]
    in_groups: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


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
    classes = predictions.logits[0].shape[1]
    members, nothing = len(predictions.members), no_tally(question.chosen, question.consensus, classes)
    halves, start = [nothing, nothing], rows.start
    groups = GroupCounts.zeros(groups_of_images(members), members + len(question.in_groups), question.consensus)
    forms, patterns = forms_of(question.consensus), [Patterns(question.chosen, classes) for _ in halves]
    for scores, answers in score_blocks(predictions, labels, rows, device, "ensembles", forms):
        predicted = scores[PROBABILITIES].argmax(2)
        kept: tuple[list[Kept], list[Kept]] = ([], [])
        for half in (0, 1):
            parts = _parts(start, half, members)
            with similar_calls(len(parts)):
                for tally in tallies_of_parts(scores, answers, parts, question.chosen, question.consensus):
                    halves[half] += tally
                    kept[half].append(kept_of(tally, question.in_groups))
            patterns[half].add(predicted[:, half::2].contiguous(), answers[half::2])
        if groups.samples.size:
            groups += groups_of(kept)
        start += len(answers)
    even, odd = map(_with_patterns, halves, patterns)
    return Counted((even, odd), groups)


def _with_patterns(half: Tally, found: Patterns) -> Tally:
    (unanimous, minority), sums = found.sums(), half.of_members
    of_members = replace(sums, predicted=found.predicted, agreeing=found.agreeing)
    return replace(half, unanimous=unanimous, minority=minority, of_members=of_members)


def _parts(start: int, half: int, members: int) -> list[slice]:
    """The groups of a half, or the whole half if there are none, in a block that starts at the even sample `start`."""
    groups = [rows_of_group(start, half, group) for group in range(groups_of_images(members))]
    return groups or [slice(half, None, 2)]
