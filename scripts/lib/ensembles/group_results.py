"""What came out of each group of members that were trained together, on one validation set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS, PROBABILITIES
from scripts.lib.ensembles.counts import forms_of, score_blocks
from scripts.lib.ensembles.group_quantities import ALL, MEMBER_ACCURACY, ensemble_accuracy, loss_in_words
from scripts.lib.inference.predictions import Predictions, load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.shards import HALVES
from scripts.lib.measures.spec import MEASURES
from scripts.lib.measures.tables import load_matrices

SCHEMA: dict[str, Any] = {
    "group": pl.String,
    "way": pl.String,
    "loss": pl.String,
    "seed": pl.Int64,
    "dataset": pl.String,
    "quantity": pl.String,
    "samples": pl.String,
    "value": pl.Float64,
}
# A diversity of all pairs of members: matrices [M, M] over all samples, the even and the odd ones.
Matrices = np.ndarray


@dataclass(frozen=True)
class Question:
    """The resolved entries of the groups, all members of the study in its order, and how ensembles decide."""

    groups: Sequence[Mapping[str, Any]]
    members: Sequence[str]
    consensus: Sequence[str]


def group_results(question: Question, files: RecordedFiles, pairwise: Mapping[str, Matrices]) -> pl.DataFrame:
    """One row per group, quantity, and the samples that it was measured on: all, the even, or the odd ones.

    Quantities are the mean accuracy of the members (percent), the accuracy of the group's ensemble by each consensus
    (`ensemble_accuracy_{consensus}`), and the mean over the group's pairs of each diversity in `pairwise`, by the name
    under which it is correlated with improvement. Raises StudyError for predictions that do not fit.
    """
    predictions = load_predictions(files)
    labels = load_labels(files.labels, predictions)
    position = {member: number for number, member in enumerate(question.members)}
    rows = []
    for group in question.groups:
        places = [position[member] for member in group["members"]]
        own = Predictions(
            files.dataset, list(group["members"]), predictions.samples, [predictions.logits[p] for p in places]
        )
        found = {name: _shares(right) for name, right in _right(own, labels, question.consensus).items()}
        found |= {name: _mean_of_pairs(matrices, places) for name, matrices in pairwise.items()}
        rows += list(_rows(group, files.dataset, found))
    return pl.DataFrame(rows, schema=SCHEMA)


def load_diversities(
    paths: Mapping[str, str], members: Sequence[str], compared: Mapping[str, Sequence[str]]
) -> dict[str, Matrices]:
    """The diversities of pairwise tables (by measure), each float64 [3, M, M]: all samples, even, odd."""
    columns = ["value", *(f"value_{half}" for half in HALVES)]
    return {
        MEASURES[name].diversity: MEASURES[name].as_diversity(load_matrices(path, members, compared[name], columns))
        for name, path in paths.items()
    }


def _right(predictions: Predictions, labels: torch.Tensor, consensus: Sequence[str]) -> dict[str, torch.Tensor]:
    """For each sample [N]: the share of the members that are right, and whether the ensemble is, by each consensus."""
    parts: dict[str, list[torch.Tensor]] = {}
    rows, title = range(len(labels)), f"groups on {predictions.dataset}"
    for scores, answers in score_blocks(predictions, labels, rows, torch.device("cpu"), title, forms_of(consensus)):
        members = (scores[PROBABILITIES].argmax(2) == answers).double().mean(0)
        parts.setdefault(MEMBER_ACCURACY, []).append(members)
        for name in consensus:
            method = CONSENSUS_METHODS[name]
            right = (method.decide(scores[method.form]) == answers).double()
            parts.setdefault(ensemble_accuracy(name), []).append(right)
    return {name: torch.cat(values) for name, values in parts.items()}


def _shares(right: torch.Tensor) -> list[float]:
    """Percent over all, the even and the odd samples of what is between 0 and 1 for each sample."""
    return [100 * part.mean().item() if len(part) else float("nan") for part in (right, right[::2], right[1::2])]


def _mean_of_pairs(matrices: Matrices, places: Sequence[int]) -> list[float]:
    first, second = np.triu_indices(len(places), 1)
    rows = np.array(places)
    return [float(value) for value in matrices[:, rows[first], rows[second]].mean(1)]


def _rows(group: Mapping[str, Any], dataset: str, found: Mapping[str, Sequence[float]]) -> Iterator[dict[str, Any]]:
    known = {"group": group["id"], "way": group["way"], "loss": loss_in_words(group["loss"]), "seed": group["seed"]}
    for quantity, values in found.items():
        for samples, value in zip((ALL, *HALVES), values, strict=True):
            yield {**known, "dataset": dataset, "quantity": quantity, "samples": samples, "value": value}
