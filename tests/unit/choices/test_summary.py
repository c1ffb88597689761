"""What deployment.json says of choices is what the tables say."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from scripts.lib.choices.summary import deployable
from scripts.lib.choices.tables import Splits, choices_table, held_out_table
from tests.unit.choices.problem import CPU
from tests.unit.choices.test_tables import TEMPERATURES, M, sets_of, settings

STUDY: dict[str, Any] = {
    "datasets": {"validation": [{"id": "set0"}, {"id": "set1"}]},
    "members": [{"id": f"m{number}"} for number in range(M)],
    "ensembles": {"consensus": ["vote", "average"]},
}
CHOSEN = pl.DataFrame(
    {
        "consensus": ["vote", "vote", "average"],
        "chosen_for": "size",
        "size": [1, 3, 2],
        "members": [[4], [0, 2, 4], [3, 4]],
        "selection_accuracy": [70.0, 75.0, 80.0],
        "accuracy": [69.0, 74.0, 78.0],
        "low": 60.0,
        "high": 80.0,
        "macs": [1.0, 9.0, 3.0],
        "latency_ms": pl.Series([None] * 3, dtype=pl.Float64),
        "parameters": pl.Series([None] * 3, dtype=pl.Float64),
    }
)


def test_a_study_of_votes_recommends_one_ensemble_by_each_consensus() -> None:
    found = deployable(STUDY, ["cat", "dog"], CHOSEN)
    assert found["deploy"] == "recommended-vote"
    assert list(found["choices"]) == ["recommended-vote", "recommended-average"]
    assert found["choices"]["recommended-vote"]["members"] == ["m0", "m2", "m4"]
    assert found["choices"]["recommended-vote"]["weights"] == pytest.approx([1 / 3] * 3)
    assert (found["members"], found["classes"]) == (["m0", "m1", "m2", "m3", "m4"], ["cat", "dog"])


def test_every_choice_that_was_judged_is_there_with_weights_metric_split_and_temperatures() -> None:
    sets, _ = sets_of(["random", "random"])
    splits, over = Splits(0.4, 3, CPU, TEMPERATURES), ["clean", "worst"]
    choices = choices_table(sets, over, splits, settings(budget={"members": 2}))
    held_out = held_out_table(sets, choices, over, splits)
    found = deployable(STUDY, ["a", "b", "c", "d"], CHOSEN, choices, held_out)["choices"]
    made = choices.filter(pl.col("chosen_on") != "set1")
    assert len(found) == 2 + len(made), "each has a name of its own"
    assert {"best-2-accuracy", "greedy_weights-nll", "stacking-nll", "all-brier-calibrated-worst", "budget-nll"} <= (
        found.keys()
    )
    one = found["greedy_weights-nll-calibrated"]
    [row] = choices.filter(chosen_on="set0", way="greedy_weights", metric="nll", consensus="calibrated").to_dicts()
    assert one["members"] == [f"m{position}" for position in row["members"]]
    assert (one["weights"], one["metric"], one["split"]) == (row["weights"], "nll", "set0")
    assert one["temperatures"] == [TEMPERATURES[position] for position in row["members"]]
    [judged] = held_out.filter(
        dataset="set1", chosen_on="set0", way="greedy_weights", metric="nll", consensus="calibrated"
    ).to_dicts()
    assert one["held_out"]["set1"]["accuracy"] == judged["accuracy"]
    assert one["held_out"]["set1"]["regret_low"] == judged["regret_low"]
    assert one["held_out"]["set0"]["regret"] is None
    assert np.isfinite(one["held_out"]["set0"]["nll"])
