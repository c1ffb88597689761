"""What to deploy, chosen in several ways on the selection split of one set, or of all sets together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

import kernels
from scripts.lib.choices.budget import best_within_budget, greedy_within_budget, require_affordable
from scripts.lib.choices.greedy_weights import GreedySettings, greedy_weights
from scripts.lib.choices.names import ACCURACY, ALL, BEST, BUDGET, GREEDY, NLL, SINGLE, STACKING, WORST
from scripts.lib.choices.split_scores import SplitScores, over_sets
from scripts.lib.choices.stacking import stacking_weights
from scripts.lib.ensembles.contributions import all_subsets
from scripts.lib.ensembles.scores import brier_score
from scripts.lib.ensembles.sizes import MOST_MEMBERS
from scripts.lib.ensembles.sums import sum_over_pairs


@dataclass(frozen=True)
class Settings:
    """The study's section `deployment`, and what else decides: the largest size of a greedy ensemble, and the seed.

    `costs` has the cost float64 [M] of each member in each respect in which all are known, "members" among them.
    """

    metrics: Sequence[str]
    ways: Sequence[str]
    greedy: GreedySettings
    largest: int
    seed: int
    budget: Mapping[str, float] = field(default_factory=dict)
    costs: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """One choice: `weights` float64 [M] that sum to 1, its `loss` on the samples where it was chosen.

    `found` says how: the best of `all` ensembles (or members), by `greedy` steps, or by a `solver`.
    """

    way: str
    metric: str
    weights: np.ndarray
    loss: float
    found: str


@dataclass(frozen=True)
class SelectionSets:
    """The selection splits of one or several sets, whose losses are put together by `how` ("mean" or "worst").

    `right` has, for each set, how many samples each of the 2^M - 1 ensembles classifies correctly by averaging, where
    this is known: int64 [2^M - 1].
    """

    sets: Sequence[SplitScores]
    right: Sequence[np.ndarray]
    how: str = "mean"

    @property
    def members(self) -> int:
        return len(self.sets[0].true)

    def loss(self, metric: str, weights: np.ndarray) -> float:
        return float(over_sets(self.how, [one.loss(metric, weights) for one in self.sets]))

    def additions(self, metric: str) -> Callable[[np.ndarray], np.ndarray]:
        def after(counts: np.ndarray) -> np.ndarray:
            found: np.ndarray = over_sets(self.how, [one.additions(metric, counts) for one in self.sets])
            return found

        return after

    def of_equal_weights(self, metric: str, chosen: np.ndarray) -> np.ndarray:
        """The losses float64 [E] of the ensembles `chosen`, bool [E, M], one by one."""
        return np.array([self.loss(metric, row / row.sum()) for row in chosen])

    def of_all(self, metric: str) -> np.ndarray | None:
        """The losses float64 [2^M - 1] of all ensembles; None if they are too many or were not counted."""
        if self.members > MOST_MEMBERS or (metric == ACCURACY and not all(len(counts) for counts in self.right)):
            return None
        chosen = all_subsets(self.members)
        pairs = zip(self.sets, self.right, strict=True)
        found: np.ndarray = over_sets(self.how, [_all_losses(metric, one, counts, chosen) for one, counts in pairs])
        return found


def _all_losses(metric: str, scores: SplitScores, right: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    if metric == ACCURACY:
        return 1 - right / scores.samples
    if metric == NLL:
        sums, _ = kernels.average_nll(torch.from_numpy(np.minimum(scores.true, 1)))
        return sums.numpy() / scores.samples
    pairs, size = sum_over_pairs(chosen, scores.gram), chosen.sum(1)
    return brier_score(pairs, chosen @ scores.true.sum(1), size, scores.samples)


def choices(selection: SelectionSets, settings: Settings) -> Iterator[Choice]:
    """All choices of a study by averaging. Raises StudyError for a budget that cannot be met."""
    members = selection.members
    if settings.budget:
        require_affordable(settings.costs, settings.budget, members)
    for metric in settings.metrics:
        losses = selection.of_all(metric)
        for way, weights in _weights(selection, metric, settings, losses):
            yield Choice(way, metric, weights, selection.loss(metric, weights), _found(way, losses is not None))


def _weights(
    selection: SelectionSets, metric: str, settings: Settings, losses: np.ndarray | None
) -> Iterator[tuple[str, np.ndarray]]:
    members = selection.members
    alone = np.eye(members, dtype=bool)
    yield SINGLE, _equal(alone[selection.of_equal_weights(metric, alone).argmin()])
    yield ALL, _equal(np.ones(members, bool))
    if BEST in settings.ways:
        found = _forward(selection, metric, settings) if losses is None else _best_of_each_size(losses, members)
        yield from ((BEST, _equal(row)) for row in found if row.sum() > 1)
    if GREEDY in settings.ways:
        yield GREEDY, greedy_weights(selection.additions(metric), members, settings.greedy, settings.seed)
    if STACKING in settings.ways and metric == NLL:
        yield STACKING, stacking_weights([one.true for one in selection.sets], selection.how == WORST)
    if settings.budget:
        yield BUDGET, _equal(_within_budget(selection, metric, settings, losses))


def _found(way: str, counted: bool) -> str:
    """How a way finds what it chooses, where all ensembles were `counted` or not."""
    if way in (BEST, BUDGET):
        return "all" if counted else "greedy"
    return {GREEDY: "greedy", STACKING: "solver"}.get(way, "all")


def _equal(chosen: np.ndarray) -> np.ndarray:
    return chosen / chosen.sum()


def _best_of_each_size(losses: np.ndarray, members: int) -> Iterator[np.ndarray]:
    """Of equals, the first in lexicographic order of its members, as in the table of deployment."""
    chosen = all_subsets(members)
    size = chosen.sum(1)
    for wanted in range(1, members + 1):
        rows = np.flatnonzero(size == wanted)
        best = chosen[rows[losses[rows] == losses[rows].min()]]
        yield best[np.lexsort(~best.T[::-1])[0]]


def _forward(selection: SelectionSets, metric: str, settings: Settings) -> Iterator[np.ndarray]:
    """Greedy forward selection without replacement, for each size."""
    after, chosen = selection.additions(metric), np.zeros(selection.members, bool)
    for _ in range(min(settings.largest, selection.members)):
        losses = np.where(chosen, np.inf, after(chosen.astype(np.int64)))
        chosen = chosen | (np.arange(len(chosen)) == losses.argmin())
        yield chosen


def _within_budget(selection: SelectionSets, metric: str, settings: Settings, losses: np.ndarray | None) -> np.ndarray:
    members = selection.members
    if losses is not None:
        chosen = all_subsets(members)
        return np.asarray(chosen[best_within_budget(chosen, losses, settings.costs, settings.budget)])
    return greedy_within_budget(
        lambda chosen: selection.of_equal_weights(metric, chosen), members, settings.costs, settings.budget
    )
