"""Ensembles chosen on the selection split and evaluated on the evaluation split, against a plain loop."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from scripts.lib.ensembles.deployment import Rows, best_row_of_each_size, deployment, split
from scripts.lib.ensembles.intervals import paired_interval
from scripts.lib.ensembles.recommendation import recommended, summary
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import digest_of_lines, save_array, save_json, save_lines
from scripts.lib.report.deployment_summary import sentences

CPU = torch.device("cpu")
MEMBERS = ["a", "b", "c", "d"]
N, C = 90, 4
SETTINGS = {"sizes": "all", "per_size": 5, "greedy": 3, "consensus": ["average"]}


def random_study(folder: Path, members: list[str], macs: list[int | None]) -> tuple[Any, np.ndarray, np.ndarray]:
    """The files of a rule, the table of members, probabilities float64 [M, N, C], and labels."""
    generator = np.random.default_rng(5)
    labels = generator.integers(0, C, N)
    logits = generator.normal(size=(len(members), N, C)).astype(np.float32)
    logits[:, np.arange(N), labels] += np.linspace(0.5, 1.5, len(members))[:, None]
    samples = [str(row) for row in range(N)]
    for member, values in zip(members, logits, strict=True):
        path = folder / "predictions" / "clean" / f"{member}.npy"
        save_array(path, values)
        record = {"samples": digest_of_lines(samples), "sample_count": N, "checksums": checksums(predictions=path)}
        save_json(path.with_suffix(".json"), record)
    save_array(folder / "labels.npy", labels)
    save_lines(folder / "samples" / "clean.txt", samples)
    of_set = checksums(labels=folder / "labels.npy", samples=folder / "samples" / "clean.txt")
    save_json(folder / "samples" / "clean.json", {"checksums": of_set})
    save_json(folder / "classes.json", [str(number) for number in range(C)])
    costs = {"macs": macs, "latency_ms": [None] * len(members), "parameters": [1] * len(members)}
    types = {"macs": pl.Int64, "latency_ms": pl.Float64}
    described = pl.DataFrame({"position": range(len(members)), **costs}, schema_overrides=types)
    paths = {
        "labels": "labels.npy",
        "samples": "samples/clean.txt",
        "set_record": "samples/clean.json",
        "classes": "classes.json",
    }
    recorded = dict.fromkeys(("arrays", "records"), str(folder / "predictions" / "clean"))
    files = RecordedFiles.declared(
        "clean", members, recorded | {key: str(folder / path) for key, path in paths.items()}
    )
    powers = np.exp(logits.astype(np.float64))
    return files, described, powers / powers.sum(2, keepdims=True), labels


def ensembles(members: int) -> Iterator[list[int]]:
    for size in range(1, members + 1):
        yield from map(list, combinations(range(members), size))


def test_both_parts_are_disjoint_complete_and_those_of_the_seed() -> None:
    choose, judge = split(101, 0.3, 7)
    assert len(choose) == 30
    assert sorted([*choose, *judge]) == list(range(101))
    assert (np.diff(choose) > 0).all()
    np.testing.assert_array_equal(split(101, 0.3, 7)[0], choose)
    assert not np.array_equal(split(101, 0.3, 8)[0], choose)
    assert [len(part) for part in split(2, 0.01, 0)] == [1, 1]
    with pytest.raises(StudyError, match="one sample cannot be divided"):
        split(1, 0.5, 0)


def test_rows_are_looked_up_in_blocks() -> None:
    array, rows = np.arange(20).reshape(10, 2), np.array([1, 4, 5, 9])
    assert Rows(array, rows).shape == (4, 2)
    np.testing.assert_array_equal(Rows(array, rows)[1:3], array[[4, 5]])


def test_the_best_of_each_size_is_the_first_of_equals() -> None:
    assert best_row_of_each_size(np.array([1, 1, 2, 2, 2, 3]), np.array([4, 5, 7, 9, 9, 1])) == [1, 3, 5]


def test_choices_and_their_accuracy_equal_a_plain_loop(tmp_path: Path) -> None:
    macs = [1, 2, 4, 8]
    files, described, probabilities, labels = random_study(tmp_path, MEMBERS, list(macs))
    chosen, contributed, counted = deployment(files, described, SETTINGS, 0.4, 3, CPU)
    choose, judge = split(N, 0.4, 3)

    def accuracy(members: list[int], rows: np.ndarray) -> float:
        return 100 * float((probabilities[members][:, rows].mean(0).argmax(1) == labels[rows]).mean())

    def right(members: list[int]) -> np.ndarray:
        answers: np.ndarray = probabilities[members][:, judge].mean(0).argmax(1) == labels[judge]
        return answers

    everything = {tuple(members): accuracy(members, choose) for members in ensembles(4)}
    numbers = [sum(1 << member for member in members) - 1 for members in ensembles(4)]
    assert (100 * counted[numbers] / len(choose)).tolist() == pytest.approx(list(everything.values()))
    alone = max([[m] for m in range(4)], key=lambda members: everything[tuple(members)])
    for row in chosen.filter(chosen_for="size").to_dicts():
        same_size = [value for members, value in everything.items() if len(members) == row["size"]]
        assert row["selection_accuracy"] == pytest.approx(max(same_size))
        assert everything[tuple(row["members"])] == pytest.approx(max(same_size))
        assert row["accuracy"] == pytest.approx(accuracy(row["members"], judge))
        assert row["low"] < row["accuracy"] < row["high"]
        assert row["over_best_member"] == pytest.approx(row["accuracy"] - accuracy(alone, judge))
        ours, theirs = right(row["members"]), right(alone)
        only = np.array([(ours & ~theirs).sum()]), np.array([(theirs & ~ours).sum()])
        low, high = paired_interval(*only, len(judge))
        assert (row["over_best_low"], row["over_best_high"]) == pytest.approx((low.item(), high.item()))
        assert row["macs"] == sum(macs[member] for member in row["members"])
        assert row["latency_ms"] is None
    front = chosen.filter(chosen_for="cost").sort("macs")
    for row in front.to_dicts():
        cheaper = [v for m, v in everything.items() if sum(macs[x] for x in m) < row["macs"]]
        assert all(value < row["selection_accuracy"] for value in cheaper)
    assert front["selection_accuracy"][-1] == pytest.approx(max(everything.values()))
    total = accuracy([0, 1, 2, 3], np.arange(N))
    assert contributed["shapley"].sum() == pytest.approx(total - 100 / C)
    assert contributed["leave_one_out"][2] == pytest.approx(total - accuracy([0, 1, 3], np.arange(N)))


def test_without_costs_there_is_no_front_and_many_members_are_chosen_greedily(tmp_path: Path) -> None:
    members = [f"m{number}" for number in range(23)]
    files, described, *_ = random_study(tmp_path, members, [None] * 23)
    described = described.with_columns(parameters=pl.lit(None, pl.Int64))
    chosen, contributed, counted = deployment(files, described, SETTINGS, 0.5, 0, CPU)
    assert set(chosen["chosen_for"]) == {"size"}
    assert chosen["size"].to_list() == list(range(1, 21))
    assert set(chosen["found"]) == {"sampled", "greedy"}
    assert contributed["shapley"].null_count() == 23
    assert counted.shape == (0,), "not all ensembles are counted"


def answer(accuracies: list[float]) -> pl.DataFrame:
    """Ensembles of one to three members with these accuracies where they were chosen."""
    sizes = range(1, len(accuracies) + 1)
    costs = {"macs": [10.0 * size for size in sizes], "latency_ms": [None] * len(accuracies)}
    return pl.DataFrame(
        {
            "consensus": "average",
            "chosen_for": "size",
            "size": sizes,
            "members": [list(range(size)) for size in sizes],
            "selection_accuracy": accuracies,
            "accuracy": [70.0, 75.0, 74.0],
            "low": 60.0,
            "high": 80.0,
            "over_best_member": [0.0, 5.0, 4.0],
            "over_best_low": [-1.0, 2.0, -0.5],
            "over_best_high": [1.0, 8.0, 8.5],
            "parameters": None,
            **costs,
        }
    )


def test_the_answer_is_said_in_words_and_for_programs() -> None:
    better, worse = answer([71.0, 80.0, 80.0]), answer([90.0, 80.0, 80.0])
    assert recommended(better)["size"] == 2
    said = list(sentences({"clean": better, "noise": worse}, MEMBERS, {"clean": 200, "noise": 200}, 0.5, "average"))
    assert said[0] == (
        "On Clean, a and b by averaging of probabilities were chosen on the selection split and have 75.0 % (95 % "
        "interval 60.0 to 80.0) on the 100 samples of the evaluation split; a, the best single member, has 70.0 % "
        "there (+5.0 points, 95 % interval +2.0 to +8.0), for 2.0 times its operations."
    )
    assert said[1].startswith("On Noise, no ensemble was more accurate than a alone on the selection split")
    study = {
        "name": "s", "seed": 4, "deployment": {"selection_share": 0.5}, "members": [{"id": name} for name in MEMBERS],
        "ensembles": {"consensus": ["average"]},
    }  # fmt: skip
    table = pl.DataFrame({"consensus": ["average"], "member": ["a"], "leave_one_out": [1.0], "shapley": [None]})
    content = summary(study, {"clean": better}, {"clean": table})
    found = content["datasets"]["clean"]["average"]
    assert found["recommended"]["members"] == ["a", "b"]
    assert [entry["accuracy"] for entry in found["best_of_each_size"]] == [70, 75, 74]
    assert found["contributions"] == [{"member": "a", "leave_one_out": 1.0, "shapley": None}]
