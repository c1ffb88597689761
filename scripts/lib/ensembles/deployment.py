"""Which ensemble to deploy: chosen on the selection split and evaluated on the evaluation split of the samples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.ensembles.contributions import all_subsets, contributions
from scripts.lib.ensembles.intervals import paired_interval, wilson_interval
from scripts.lib.ensembles.selection import Count, Samples, forward_selection
from scripts.lib.ensembles.sizes import MOST_MEMBERS, is_exhaustive
from scripts.lib.ensembles.subsets import numbers_of, subsets
from scripts.lib.inference.predictions import Predictions, load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.randomness import derive
from scripts.lib.members.costs import COSTS
from scripts.lib.networks.pareto import pareto_front

SCHEMA: dict[str, Any] = {
    "dataset": pl.String,
    "consensus": pl.String,
    "chosen_for": pl.String,
    "size": pl.UInt16,
    "members": pl.List(pl.UInt16),
    "selection_accuracy": pl.Float64,
    "accuracy": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "over_best_member": pl.Float64,
    "over_best_low": pl.Float64,
    "over_best_high": pl.Float64,
    "found": pl.String,
    **dict.fromkeys(COSTS, pl.Float64),
}


class Rows:
    """Some rows of an array, which are read block by block."""

    def __init__(self, array: np.ndarray, rows: np.ndarray) -> None:
        self.array, self.rows, self.shape = array, rows, (len(rows), *array.shape[1:])

    def __getitem__(self, piece: slice) -> np.ndarray:
        return self.array[self.rows[piece]]


def split(samples: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the selection split (`share` of them) and of the evaluation split, each in increasing order.

    Sets of equal size are divided in the same way, so an image and its corrupted copies are in the same split.
    Raises StudyError for fewer than two samples.
    """
    if samples < 2:
        raise StudyError("deployment: one sample cannot be divided into a selection split and an evaluation split.")
    order = np.random.default_rng(derive(seed, "selection")).permutation(samples)
    count = min(max(round(share * samples), 1), samples - 1)
    return np.sort(order[:count]), np.sort(order[count:])


def deployment(
    files: RecordedFiles,
    described: pl.DataFrame,
    settings: Mapping[str, Any],
    share: float,
    seed: int,
    device: torch.device,
) -> tuple[pl.DataFrame, pl.DataFrame, np.ndarray]:
    """The ensembles chosen on the selection split, with their accuracy on the evaluation split; and contributions.

    `described` is the table of members, `settings` the study's section `ensembles`. Chosen are the
    ensemble of each size with the most correct answers (`chosen_for` "size") and, if costs are known, the ensembles for
    which no cheaper one is as accurate ("cost"). Last come the correct answers of all ensembles on the selection split
    by the first consensus that averages, int32 [2^M - 1], or [0] if it did not count them all. Raises StudyError for
    files that do not fit.
    """
    predictions, dataset, members = load_predictions(files), files.dataset, files.members
    labels = load_labels(files.labels, predictions)
    sides = [Samples(*part_of(predictions, labels, rows), device) for rows in split(len(labels), share, seed)]
    costs = costs_of(described.sort("position"))
    tables, parts, counted = [], [], np.zeros(0, np.int32)
    for consensus in settings["consensus"]:
        choose, judge = (_counter(side, consensus, len(members)) for side in sides)
        title = f"greedy selection by {consensus} on {dataset}"
        candidates = list(_candidates(len(members), settings, seed, choose, title))
        tables.append(_chosen(candidates, costs, sides, consensus))
        if CONSENSUS_METHODS[consensus].averages and not len(counted) and len(members) <= MOST_MEMBERS:
            counted = choose(all_subsets(len(members))).astype(np.int32)
        whole, most = _added(choose, judge), CONSENSUS_METHODS[consensus].most_ensembles
        found = contributions(members, whole, len(labels), predictions.logits[0].shape[1], most)
        parts.append(found.with_columns(consensus=pl.lit(consensus)))
    chosen = pl.concat(tables).with_columns(dataset=pl.lit(dataset)).select(*SCHEMA)
    return chosen, pl.concat(parts).with_columns(dataset=pl.lit(dataset)), counted


def part_of(predictions: Predictions, labels: torch.Tensor, rows: np.ndarray) -> tuple[Predictions, torch.Tensor]:
    logits: Any = [Rows(array, rows) for array in predictions.logits]
    return replace(predictions, logits=logits), labels[torch.from_numpy(rows)]


def _counter(side: Samples, consensus: str, members: int) -> Count:
    """Counts on one split. Up to 20 members, all ensembles are counted once, which contributions need in any case.

    The limit is lower for a method that costs much for each ensemble.
    """
    count = side.counter(consensus)
    if 2**members - 1 > CONSENSUS_METHODS[consensus].most_ensembles:
        return count
    right = count(all_subsets(members))
    return lambda chosen: right[numbers_of(chosen) - 1]


def _added(choose: Count, judge: Count) -> Count:
    return lambda chosen: choose(chosen) + judge(chosen)


def costs_of(members: pl.DataFrame) -> dict[str, np.ndarray]:
    """The costs [M] that are known for all members, in order of preference."""
    return {key: members[key].cast(pl.Float64).to_numpy() for key in COSTS if not members[key].null_count()}


Candidate = tuple[str, np.ndarray, np.ndarray]  # how they were found, bool [E, M], correct answers int64 [E]


def _candidates(members: int, settings: Mapping[str, Any], seed: int, choose: Count, title: str) -> Iterator[Candidate]:
    """Single members, the ensembles of the study and, if these are not all, the steps of a greedy selection."""
    complete = is_exhaustive(members, settings["sizes"]) and settings["sizes"] == "all"
    alone = np.eye(members, dtype=bool)
    evaluated = subsets(members, settings["sizes"], settings["per_size"], seed)
    together = np.concatenate([alone, evaluated[evaluated.sum(1) > 1]])
    yield "all" if complete else "sampled", together, choose(together)
    if not complete:
        steps = list(forward_selection(choose, members, settings["greedy"], title))
        yield "greedy", np.stack([step for step, _ in steps]), np.array([right for _, right in steps])


def _chosen(
    candidates: Sequence[Candidate], costs: Mapping[str, np.ndarray], sides: Sequence[Samples], consensus: str
) -> pl.DataFrame:
    ensembles = np.concatenate([ensembles for _, ensembles, _ in candidates])
    right = np.concatenate([right for _, _, right in candidates])
    found = np.repeat([name for name, _, _ in candidates], [len(ensembles) for _, ensembles, _ in candidates])
    rows = [("size", row) for row in best_row_of_each_size(ensembles.sum(1), right)]
    if costs:
        cost = ensembles @ next(iter(costs.values()))
        rows += [("cost", row) for row in np.flatnonzero(pareto_front(right, cost))]
    chosen = np.array([row for _, row in rows])
    correct = sides[1].correct(consensus, ensembles[chosen])
    held_out = correct.sum(1)
    low, high = wilson_interval(held_out, len(sides[1]))
    alone = correct[0]  # the single member with the most correct answers where it was chosen
    over_best, over_best_low, over_best_high = difference_with_interval(correct, alone)
    return pl.DataFrame(
        {
            "consensus": [consensus] * len(rows),
            "chosen_for": [purpose for purpose, _ in rows],
            "size": pl.Series(ensembles[chosen].sum(1), dtype=pl.UInt16),
            "members": pl.Series([np.flatnonzero(row).tolist() for row in ensembles[chosen]], dtype=pl.List(pl.UInt16)),
            "selection_accuracy": 100 * right[chosen] / len(sides[0]),
            "accuracy": 100 * held_out / len(sides[1]),
            "low": low,
            "high": high,
            "over_best_member": over_best,
            "over_best_low": over_best_low,
            "over_best_high": over_best_high,
            "found": found[chosen],
            **{key: pl.Series([None] * len(rows), dtype=pl.Float64) for key in COSTS if key not in costs},
            **{key: ensembles[chosen] @ values for key, values in costs.items()},
        }
    )


def difference_with_interval(correct: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accuracies minus that of a reference, in percentage points, with the ends of the paired interval, [K] each.

    `correct` bool [K, N] and `reference` bool [N] say which of the same samples are classified correctly.
    """
    only_first, only_second = only_first_and_second(correct, reference)
    return paired_difference(only_first, only_second, len(reference))


def only_first_and_second(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many samples only one of the two classifies correctly, int64 [...]; both are bool [..., N]."""
    return (first & ~second).sum(-1), (~first & second).sum(-1)


def paired_difference(
    only_first: np.ndarray, only_second: np.ndarray, samples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Differences of accuracies on so many samples, in percentage points, and the ends of their intervals, [K] each.

    From how many samples only one of the two classifies correctly, int64 [K] each.
    """
    return 100 * (only_first - only_second) / samples, *paired_interval(only_first, only_second, samples)


def best_row_of_each_size(sizes: np.ndarray, right: np.ndarray) -> list[int]:
    """For each size, in increasing order, the row with the most correct answers; of equals, the first."""
    return [int(np.flatnonzero(sizes == size)[right[sizes == size].argmax()]) for size in np.unique(sizes)]
