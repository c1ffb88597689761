"""What deployment.json says of choices is what the tables say."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from scripts.lib.choices.summary import CHOICE_KEYS, deployable
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


def test_recommended_ensembles_have_their_accuracy_on_every_set() -> None:
    columns = {"consensus": ["vote", "average", "vote"], "recommended": [True, True, None]}
    tables = [
        pl.DataFrame(columns | {"dataset": name, "accuracy": [accuracy, 50.0, 1.0], "low": 40.0, "high": 60.0})
        for name, accuracy in (("set0", 74.0), ("set1", 55.0))
    ]
    found = deployable(STUDY, ["cat", "dog"], CHOSEN, under_shift=tables)["choices"]
    assert found["recommended-vote"]["held_out"] == {
        "set0": {"accuracy": 74.0, "low": 40.0, "high": 60.0},
        "set1": {"accuracy": 55.0, "low": 40.0, "high": 60.0},
    }
    assert found["recommended-average"]["held_out"]["set1"]["accuracy"] == 50.0


def test_how_members_files_are_read_is_there_where_the_study_states_it(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("dog\ncat\n")
    stated = [
        {"id": "trained", "kind": "supervised"},
        {"id": "weights", "kind": "timm", "classes": ["dog", "cat"]},
        {"id": "plain", "kind": "predictions", "values": "auto", "classes": None},
        {"id": "logits", "kind": "predictions", "values": "logits", "classes": None},
        {"id": "list", "kind": "onnx", "values": "auto", "classes": ["dog", "cat"]},
        {"id": "file", "kind": "predictions", "values": "auto", "classes": str(tmp_path / "classes.txt")},
    ]
    found = deployable(STUDY | {"members": stated}, ["cat", "dog"], CHOSEN)
    assert found["files"] == {
        "logits": {"values": "logits", "classes": None},
        "list": {"values": "auto", "classes": ["dog", "cat"]},
        "file": {"values": "auto", "classes": ["dog", "cat"]},
    }


def test_every_choice_that_was_judged_is_there_with_weights_metric_split_and_temperatures() -> None:
    sets, _ = sets_of(["random", "random"])
    splits, over = Splits(0.4, 3, CPU, TEMPERATURES), ["clean", "worst"]
    choices = choices_table(sets, over, splits, settings(budget={"members": 2}))
    held_out = held_out_table(sets, choices, over, splits)
    found = deployable(STUDY, ["a", "b", "c", "d"], CHOSEN, choices, held_out)["choices"]
    made = choices.filter(pl.col("chosen_on") != "set1")
    assert all(one.keys() <= set(CHOICE_KEYS) for one in found.values()), "predict refuses other keys"
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
