"""All choices of a study as a table, and what becomes of them on the evaluation split of every set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch

from scripts.lib.choices.names import ACCURACY, AVERAGE, BEST, BRIER, CALIBRATED, CLEAN, MEAN, SINGLE, WORST
from scripts.lib.choices.split_scores import SplitScores, split_scores
from scripts.lib.choices.ways import Choice, SelectionSets, Settings, choices
from scripts.lib.ensembles.deployment import only_first_and_second, paired_difference, split
from scripts.lib.ensembles.intervals import Z, wilson_interval
from scripts.lib.inference.predictions import Predictions
from scripts.lib.jobs.job import log
from scripts.lib.members.costs import COSTS

KEYS: dict[str, Any] = {
    "chosen_on": pl.String,
    "way": pl.String,
    "metric": pl.String,
    "consensus": pl.String,
    "size": pl.UInt16,
    "members": pl.List(pl.UInt16),
}
CHOICES: dict[str, Any] = {
    **KEYS,
    "weights": pl.List(pl.Float64),
    "temperatures": pl.List(pl.Float64),
    "found": pl.String,
    "score": pl.Float64,
    "samples": pl.Int64,
    "equal_cost_member": pl.UInt16,
    **dict.fromkeys(COSTS, pl.Float64),
}
PAIRED, ENDS = ("over_single", "over_all", "regret"), ("", "_low", "_high")
HELD_OUT: dict[str, Any] = {
    "dataset": pl.String,
    **KEYS,
    "samples": pl.Int64,
    "accuracy": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "nll": pl.Float64,
    "brier": pl.Float64,
    **{f"{name}{end}": pl.Float64 for name in (*PAIRED, "nll_regret") for end in ENDS},
    "same_split": pl.Boolean,
}


@dataclass(frozen=True)
class LabelledSet:
    """A validation set: the predictions of all members, labels int64 [N], and how many samples each of the 2^M - 1
    ensembles classifies correctly on the selection split by averaging, int64 [2^M - 1] or [0] where unknown."""

    predictions: Predictions
    labels: torch.Tensor
    right: np.ndarray


@dataclass(frozen=True)
class Splits:
    """How sets are divided, and the temperatures float64 [M] of the members (None without calibrated averages)."""

    share: float
    seed: int
    device: torch.device
    temperatures: Sequence[float] | None = None

    def consensus(self) -> list[str]:
        return [AVERAGE] + [CALIBRATED] * (self.temperatures is not None)

    def scores(self, one: LabelledSet, side: int, consensus: str) -> SplitScores:
        """Of the selection split (side 0) or of the evaluation split (side 1)."""
        rows = split(len(one.labels), self.share, self.seed)[side]
        temperatures = self.temperatures if consensus == CALIBRATED else None
        return split_scores(one.predictions, one.labels, rows, self.device, temperatures)


def choices_table(sets: Sequence[LabelledSet], over: Sequence[str], splits: Splits, settings: Settings) -> pl.DataFrame:
    """Every choice: on the selection split of each set, and on all sets together where `over` says so.

    Raises StudyError for a budget that cannot be met.
    """
    _say_missing_classes(sets, splits)
    rows: list[dict[str, Any]] = []
    for consensus in splits.consensus():
        scores = [splits.scores(one, 0, consensus) for one in sets]
        right = [one.right if consensus == AVERAGE else np.zeros(0, np.int64) for one in sets]
        chosen_on = {
            one.predictions.dataset: SelectionSets([own], [counts])
            for one, own, counts in zip(sets, scores, right, strict=True)
        }
        chosen_on |= {how: SelectionSets(scores, right, how) for how in (MEAN, WORST) if how in over}
        for name, selection in chosen_on.items():
            rows += _rows(name, selection, consensus, settings, splits.temperatures)
    return pl.DataFrame(rows, schema=CHOICES)


def _rows(
    chosen_on: str, selection: SelectionSets, consensus: str, settings: Settings, temperatures: Sequence[float] | None
) -> Iterator[dict[str, Any]]:
    alone = {metric: selection.of_equal_weights(metric, np.eye(selection.members)) for metric in settings.metrics}
    for choice in choices(selection, settings):
        if consensus == CALIBRATED and choice.way == SINGLE:
            continue  # it decides as the single member does
        members = np.flatnonzero(choice.weights)
        yield {
            "chosen_on": chosen_on,
            "way": choice.way,
            "metric": choice.metric,
            "consensus": consensus,
            "size": len(members),
            "members": members.tolist(),
            "weights": choice.weights[members].tolist(),
            "temperatures": [temperatures[m] for m in members] if temperatures and consensus == CALIBRATED else None,
            "found": choice.found,
            "score": 100 * (1 - choice.loss) if choice.metric == ACCURACY else choice.loss,
            "samples": sum(one.samples for one in selection.sets),
            "equal_cost_member": _equal_cost_member(choice, alone[choice.metric], settings.costs),
            **{name: settings.costs[name][members].sum() if name in settings.costs else None for name in COSTS},
        }


def _equal_cost_member(choice: Choice, losses: np.ndarray, costs: Mapping[str, np.ndarray]) -> int:
    """The best single member by the same metric that costs no more than all members of the choice together.

    By the first cost that is known for all members; without one, every member counts.
    """
    known = [costs[name] for name in COSTS if name in costs]
    if known:
        limit = known[0][choice.weights > 0].sum()
        losses = np.where(known[0] <= limit * (1 + 1e-12), losses, np.inf)
    return int(losses.argmin())


def _say_missing_classes(sets: Sequence[LabelledSet], splits: Splits) -> None:
    for one in sets:
        rows, _ = split(len(one.labels), splits.share, splits.seed)
        seen, classes = len(one.labels[torch.from_numpy(rows)].unique()), one.predictions.logits[0].shape[1]
        if seen < classes:
            log.warning(
                "the selection split of %s has samples of %d of the %d classes: weights say nothing of the others",
                one.predictions.dataset,
                seen,
                classes,
            )


def held_out_table(
    sets: Sequence[LabelledSet], chosen: pl.DataFrame, over: Sequence[str], splits: Splits
) -> pl.DataFrame:
    """Choices that were made on the clean (first) set, or on all sets together, on the evaluation split of every set.

    `chosen` is what `choices_table` made. `regret` is what a choice in the same way on the set itself is better by.
    """
    clean = sets[0].predictions.dataset
    made_before = [name for name in (CLEAN, MEAN, WORST) if name in over]
    judged = chosen.filter(pl.col("chosen_on").is_in([clean if name == CLEAN else name for name in made_before]))
    rows = []
    for one in sets:
        scores = {consensus: splits.scores(one, 1, consensus) for consensus in splits.consensus()}
        own = chosen.filter(chosen_on=one.predictions.dataset).to_dicts()
        judge = _Judge(scores, {_way_of(row): row for row in own} if one is not sets[0] else {})
        same = len(one.labels) == len(sets[0].labels)
        labels = {"dataset": one.predictions.dataset, "same_split": same}
        rows += [labels | row for row in judge.of_all(judged.to_dicts())]
    return pl.DataFrame(rows, schema=HELD_OUT)


def _way_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Choices with the same way are comparable; the best ensembles are those of their size."""
    return row["way"], row["metric"], row["consensus"], row["size"] if row["way"] == BEST else None


class _Judge:
    """Judges choices on one evaluation split; `own` are those that were made on the set itself."""

    def __init__(self, scores: Mapping[str, SplitScores], own: Mapping[tuple[Any, ...], dict[str, Any]]) -> None:
        self.scores, self.own = scores, own
        self.members = len(scores[AVERAGE].true)
        everyone = np.full(self.members, 1 / self.members)
        self.all = scores[AVERAGE].correct(everyone)

    def of_all(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Of each choice. Paired intervals of all choices are computed together: one alone takes as long as all."""
        found = [self._of(row) for row in rows]
        for name in PAIRED:
            known = [row for row in found if name in row]
            counts = np.array([row.pop(name) for row in known], np.int64).reshape(-1, 2)
            values = paired_difference(counts[:, 0], counts[:, 1], self.scores[AVERAGE].samples)
            for row, *of_row in zip(known, *values, strict=True):
                row |= {f"{name}{end}": float(value) for end, value in zip(ENDS, of_row, strict=True)}
        return found

    def _of(self, row: dict[str, Any]) -> dict[str, Any]:
        """With `only_first_and_second` in place of paired differences."""
        scores, weights = self.scores[row["consensus"]], self._weights(row)
        correct, nll = scores.correct(weights), scores.nll_of_samples(weights)
        right, samples = correct.sum(), scores.samples
        low, high = wilson_interval(right[None], samples)
        single = self.scores[AVERAGE].correct(np.eye(self.members)[row["equal_cost_member"]])
        found = {name: row[name] for name in KEYS}
        found |= {"samples": samples, "accuracy": 100 * right / samples, "low": low[0], "high": high[0]}
        found |= {"nll": nll.mean(), "brier": scores.loss(BRIER, weights)}
        found |= {"over_single": only_first_and_second(correct, single)}
        found |= {"over_all": only_first_and_second(correct, self.all)}
        if (own := self.own.get(_way_of(row))) is not None:
            theirs = self._weights(own)
            found |= {"regret": only_first_and_second(scores.correct(theirs), correct)}
            found |= _mean_with_interval("nll_regret", nll - scores.nll_of_samples(theirs))
        return found

    def _weights(self, row: Mapping[str, Any]) -> np.ndarray:
        weights = np.zeros(self.members)
        weights[row["members"]] = row["weights"]
        return weights


def _mean_with_interval(name: str, differences: np.ndarray) -> dict[str, float | None]:
    """A mean and its 95 % interval over samples (normal); no interval for one sample."""
    mean = float(differences.mean())
    if len(differences) < 2:
        return {name: mean, f"{name}_low": None, f"{name}_high": None}
    half = float(Z * differences.std(ddof=1) / np.sqrt(len(differences)))
    return {name: mean, f"{name}_low": mean - half, f"{name}_high": mean + half}
