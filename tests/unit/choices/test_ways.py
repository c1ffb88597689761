"""All ways to choose, against all ensembles and weights written out."""

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest

from scripts.lib.choices.greedy_weights import GreedySettings
from scripts.lib.choices.names import ALL, BEST, BUDGET, GREEDY, METRICS, SINGLE, STACKING
from scripts.lib.choices.split_scores import SplitScores
from scripts.lib.choices.ways import Choice, SelectionSets, Settings, choices
from scripts.lib.ensembles.contributions import all_subsets
from scripts.lib.jobs.errors import StudyError
from tests.unit.choices.problem import scored


def settings(members: int, **changes: Any) -> Settings:
    return Settings(
        **{
            "metrics": METRICS,
            "ways": [BEST, GREEDY, STACKING],
            "greedy": GreedySettings(picks=15),
            "largest": 4,
            "seed": 0,
            "costs": {"macs": 1.0 + np.arange(members), "members": np.ones(members)},
        }
        | changes
    )


def counted(scores: SplitScores) -> np.ndarray:
    chosen = all_subsets(len(scores.true))
    return np.array([scores.correct(row.astype(float)).sum() for row in chosen])


def losses_of(selection: SelectionSets, metric: str, members: int) -> dict[tuple[int, ...], float]:
    found = {}
    for size in range(1, members + 1):
        for some in combinations(range(members), size):
            weights = np.isin(np.arange(members), some) / size
            values = [one.loss(metric, weights) for one in selection.sets]
            found[some] = max(values) if selection.how == "worst" else sum(values) / len(values)
    return found


def members_of(choice: Choice) -> tuple[int, ...]:
    return tuple(np.flatnonzero(choice.weights).tolist())


@pytest.mark.parametrize("kind", ["random", "ties", "equal", "extreme"])
@pytest.mark.parametrize("how", ["mean", "worst"])
def test_choices_are_the_best_of_all_ensembles_by_every_metric(kind: str, how: str) -> None:
    sets = [scored(kind=kind), scored(kind=kind, seed=1, samples=90)]
    selection = SelectionSets(sets, [counted(one) for one in sets], how)
    found = list(choices(selection, settings(5, budget={"macs": 6.0})))
    for metric in METRICS:
        losses = losses_of(selection, metric, 5)
        chosen = {(c.way, len(members_of(c))): c for c in found if c.metric == metric}
        single = next(c for c in found if c.metric == metric and c.way == SINGLE)
        assert single.loss == pytest.approx(min(losses[(member,)] for member in range(5)), abs=1e-12)
        assert chosen[ALL, 5].weights.tolist() == [0.2] * 5
        for size in range(2, 6):
            best = min(value for some, value in losses.items() if len(some) == size)
            assert chosen[BEST, size].loss == pytest.approx(best, abs=1e-12)
            assert losses[members_of(chosen[BEST, size])] == pytest.approx(best, abs=1e-12)
        affordable = [value for some, value in losses.items() if sum(1 + member for member in some) <= 6]
        [within] = [c for c in found if c.metric == metric and c.way == BUDGET]
        assert within.loss == pytest.approx(min(affordable), abs=1e-12)
        [greedy] = [c for c in found if c.metric == metric and c.way == GREEDY]
        assert greedy.loss <= single.loss + 1e-12
        assert greedy.weights.sum() == pytest.approx(1)
    [stacked] = [c for c in found if c.way == STACKING]
    assert stacked.metric == "nll"
    assert stacked.found == "solver"
    assert stacked.loss <= min(c.loss for c in found if c.metric == "nll") + 1e-4


def test_stacking_is_chosen_by_nll_on_one_set_and_is_the_best_by_it() -> None:
    scores = scored()
    found = list(choices(SelectionSets([scores], [counted(scores)]), settings(5)))
    [stacked] = [c for c in found if c.way == STACKING]
    assert stacked.metric == "nll"
    assert stacked.loss <= min(c.loss for c in found if c.metric == "nll") + 1e-9


def test_without_counts_and_with_many_members_ensembles_grow_greedily() -> None:
    few = scored()
    nothing = np.zeros(0, np.int64)
    found = list(choices(SelectionSets([few], [nothing]), settings(5, metrics=["accuracy"])))
    sizes = [len(members_of(c)) for c in found if c.way == BEST]
    assert sizes == [2, 3, 4], "up to the largest size of a greedy selection"
    many = scored(members=23, samples=60)
    selection = SelectionSets([many], [nothing])
    found = list(choices(selection, settings(23, metrics=["nll"], budget={"members": 3})))
    grown = [c for c in found if c.way == BEST]
    for smaller, larger in pairwise(grown):
        assert set(members_of(smaller)) < set(members_of(larger))
    [within] = [c for c in found if c.way == BUDGET]
    assert 1 <= len(members_of(within)) <= 3


def test_one_member_is_a_choice_and_a_budget_that_nobody_meets_is_refused() -> None:
    one = scored(members=1)
    found = list(choices(SelectionSets([one], [counted(one)]), settings(1)))
    assert {c.way for c in found} == {SINGLE, ALL, GREEDY, STACKING}
    assert all(c.weights.tolist() == [1] for c in found)
    with pytest.raises(StudyError, match="no member meets it"):
        list(choices(SelectionSets([one], [counted(one)]), settings(1, budget={"macs": 0.1})))
