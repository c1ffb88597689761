"""The best ensemble within a budget, against all ensembles."""

import numpy as np
import pytest

from scripts.lib.choices.budget import (
    best_within_budget,
    greedy_within_budget,
    require_affordable,
    within_budget,
)
from scripts.lib.ensembles.contributions import all_subsets
from scripts.lib.jobs.errors import StudyError
from tests.unit.choices.problem import scored

COSTS = {"macs": np.array([1.0, 2, 4, 8, 16]), "members": np.ones(5)}


@pytest.mark.parametrize("budget", [{"macs": 7.0}, {"members": 2}, {"macs": 20.0, "members": 3}, {"macs": 1.0}])
@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier"])
def test_the_exact_choice_is_the_best_of_all_that_the_budget_allows(budget: dict[str, float], metric: str) -> None:
    scores, chosen = scored(), all_subsets(5)
    losses = np.array([scores.loss(metric, row / row.sum()) for row in chosen])
    row = best_within_budget(chosen, losses, COSTS, budget)
    allowed = [all(row @ COSTS[name] <= most for name, most in budget.items()) for row in chosen]
    assert allowed == within_budget(chosen, COSTS, budget).tolist()
    assert allowed[row]
    assert losses[row] == losses[allowed].min()
    greedy = greedy_within_budget(
        lambda some: np.array([scores.loss(metric, each / each.sum()) for each in some]), 5, COSTS, budget
    )
    assert within_budget(greedy[None], COSTS, budget).all()
    found = scores.loss(metric, greedy / greedy.sum())
    alone = [loss for loss, size, fits in zip(losses, chosen.sum(1), allowed, strict=True) if size == 1 and fits]
    assert losses[row] - 1e-12 <= found <= min(alone) + 1e-12


def test_of_equally_good_ensembles_the_cheapest_is_taken_then_the_smallest_then_the_first() -> None:
    chosen = all_subsets(3)
    losses = np.where(chosen.sum(1) > 1, 0.1, 0.5)
    row = best_within_budget(chosen, losses, {"macs": np.array([1.0, 1, 5])}, {"macs": 9})
    assert chosen[row].tolist() == [True, True, False]
    row = best_within_budget(chosen, losses, {"macs": np.array([0.0, 0, 0])}, {"macs": 9})
    assert chosen[row].tolist() == [True, True, False]


def test_gain_per_cost_prefers_two_cheap_members_to_a_dear_one_and_one_dear_member_where_it_is_better() -> None:
    costs, budget = {"macs": np.array([1.0, 1, 10])}, {"macs": 10.0}
    cheap = {(0,): 0.3, (1,): 0.3, (2,): 0.25, (0, 1): 0.2}
    dear = cheap | {(0, 1): 0.29, (2,): 0.1}

    def losses(table: dict[tuple[int, ...], float]) -> object:
        return lambda chosen: np.array([table.get(tuple(np.flatnonzero(row).tolist()), 0.9) for row in chosen])

    assert greedy_within_budget(losses(cheap), 3, costs, budget).tolist() == [True, True, False]
    assert greedy_within_budget(losses(dear), 3, costs, budget).tolist() == [False, False, True]


def test_a_budget_that_no_member_meets_and_an_unknown_cost_are_refused_by_name() -> None:
    with pytest.raises(StudyError, match=r"deployment/budget: no member meets it.*macs 1 \(limit 0.5\)"):
        require_affordable(COSTS, {"macs": 0.5}, 5)
    with pytest.raises(StudyError, match="deployment/budget/latency_ms: latency_ms is not known for every member"):
        require_affordable(COSTS, {"latency_ms": 3}, 5)
    require_affordable(COSTS, {"macs": 1}, 5)
