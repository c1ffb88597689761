"""Members that are trained together in the real workflow: trained, killed, run, compared and decided on."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from scripts.lib.ensembles.group_quantities import HELD_OUT, SHIFTED, TRAINING
from scripts.lib.jobs.storage import load_json, load_table
from tests.workflow.conftest import ROOT, planned, snakemake
from tests.workflow.test_interruptions import Kill, killed_run

STUDY = ROOT / "tests" / "studies" / "groups.yaml"
GROUPS = [
    "independent-s1",
    "independent-s2",
    "joint-w0.5-s1",
    "joint-w0.5-s2",
    "joint-w1-s1",
    "joint-w1-s2",
    "mixed-s1",
]
SETTINGS = {"independent", "joint-w0.5", "joint-w1", "mixed"}
TARGETS = ["ways.parquet", "verdicts.parquet", "figures/ways.png", "figures/ways_by_weight.png"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("groups")
    result = snakemake(found, *(f"results/groups/{name}" for name in TARGETS), study=STUDY)
    assert result.returncode == 0, result.stdout
    return found


@pytest.fixture(scope="module")
def results(folder: Path) -> Path:
    return folder / "results" / "groups"


def test_members_of_groups_are_members_like_others(results: Path) -> None:
    expected = [f"{group}-{number}" for group in GROUPS for number in (1, 2)]
    assert load_table(results / "members.parquet")["member"].to_list() == expected
    assert load_table(results / "accuracies" / "noise.parquet")["member"].to_list() == expected
    assert load_table(results / "pairwise" / "clean" / "disagreement.parquet").height == len(expected) ** 2
    record = load_json(results / "groups" / "joint-w1-s2" / "joint-w1-s2-2.json")
    assert record["member"]["seed"] == 2002
    assert [line["epoch"] for line in record["history"]] == [1, 2]


def test_one_job_runs_the_groups_of_all_seeds_of_a_setting(results: Path) -> None:
    assert {path.name for path in (results / "inferred_groups").iterdir()} == SETTINGS
    assert {path.stem for path in (results / "benchmarks" / "infer_groups").iterdir()} == SETTINGS


def test_results_of_a_group_are_those_of_its_members_predictions(results: Path) -> None:
    table = load_table(results / "group_results" / "noise.parquet").filter(group="mixed-s1")
    values = {(row["quantity"], row["samples"]): row["value"] for row in table.iter_rows(named=True)}
    logits = [np.load(results / "predictions" / "noise" / f"mixed-s1-{n}.npy").astype(np.float64) for n in (1, 2)]
    labels = np.load(results / "labels" / "noise.npy")
    for name, rows in (("all", slice(None)), ("even", slice(0, None, 2)), ("odd", slice(1, None, 2))):
        own = [100 * (member.argmax(1) == labels)[rows].mean() for member in logits]
        average = sum(np.exp(member) / np.exp(member).sum(1, keepdims=True) for member in logits)
        assert values["member_accuracy", name] == pytest.approx(np.mean(own))
        right = (average.argmax(1) == labels)[rows]
        assert values["ensemble_accuracy_average", name] == pytest.approx(100 * right.mean())
        differ = [(a.argmax(1) != b.argmax(1))[rows].mean() for a, b in combinations(logits, 2)]
        assert values["disagreement", name] == pytest.approx(np.mean(differ))


def test_ways_have_their_seeds_and_penalties(results: Path) -> None:
    table = load_table(results / "ways.parquet")
    seeds = {(row["way"], row["loss"]): row["seeds"] for row in table.iter_rows(named=True)}
    assert seeds == {
        ("independent", ""): 2,
        ("joint", "joint 0.5"): 2,
        ("joint", "joint 1"): 2,
        ("mixed", "activation 0.1, attribution 0.1, gncl 0.1, ncl 0.2"): 1,
    }
    assert set(table["dataset"]) == {"clean", "noise", SHIFTED, TRAINING, HELD_OUT}


def test_too_few_seeds_leave_the_observations_undecided(results: Path) -> None:
    table = load_table(results / "verdicts.parquet")
    reasons = {row["observation"]: row["reason"] for row in table.iter_rows(named=True) if row["verdict"]}
    assert reasons["3"] == "there must be 5 seeds that all weights have in common, and there are 2"
    assert reasons["4"] == "the study has no group of different architecture families"


def test_nothing_is_made_again(folder: Path) -> None:
    assert planned(folder, STUDY, *(f"results/groups/{name}" for name in TARGETS)) == ""


def test_a_killed_group_ends_with_the_same_bytes(results: Path, tmp_path: Path) -> None:
    target = "results/groups/groups/joint-w1-s2.json"
    training = Kill("train_group", "*/unfinished_groups/joint-w1-s2.pt")
    assert killed_run(tmp_path, target, kills=[training], study=STUDY) != 0
    again = tmp_path / "results" / "groups" / "groups" / "joint-w1-s2"
    assert not again.with_suffix(".json").exists()
    result = snakemake(tmp_path, target, study=STUDY)
    assert result.returncode == 0, result.stdout
    for number in (1, 2):
        name = f"joint-w1-s2-{number}.safetensors"
        assert (again / name).read_bytes() == (results / "groups" / "joint-w1-s2" / name).read_bytes()
