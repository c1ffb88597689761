"""The test study, run as a user runs it."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from scripts.lib.ensembles.deployment import split
from scripts.lib.jobs.storage import load_json
from scripts.lib.study.resolve import resolve
from tests.workflow.conftest import ROOT, TEST_STUDY, snakemake

# One process of pytest-xdist makes the finished study, which all of these tests need.
STUDY = yaml.safe_load(TEST_STUDY.read_text(encoding="utf-8"))
MEMBERS = [member["id"] for member in STUDY["members"]]
DATASETS = [dataset["id"] for dataset in STUDY["datasets"]["validation"]]


@pytest.fixture(scope="session")
def results(finished: Path) -> Path:
    return finished / "results" / "test"


def predicted(results: Path, dataset: str, member: str) -> np.ndarray:
    return np.load(results / "predictions" / dataset / f"{member}.npy", allow_pickle=False).argmax(1)


def test_every_table_and_figure_of_the_contract_is_there(results: Path) -> None:
    expected = ["report.html", "deployment.json", "study.json", "members.parquet", "effects.parquet"]
    expected += ["variance_shares.parquet", "correlations.parquet", "effects_from_clean.parquet", "robustness.parquet"]
    expected += ["predictors.parquet"]
    expected += [f"robustness_{name}.parquet" for name in ("lines", "over_sets", "by_size")]
    expected += ["temperatures.parquet", "verdicts.parquet", "choices.parquet", "choices_held_out.parquet"]
    for dataset in DATASETS:
        expected += [
            f"{table}/{dataset}.parquet"
            for table in ("accuracies", "ensembles", "halves", "best_ensembles", "deployment", "contributions")
        ]
        expected += [
            f"{folder}/{dataset}.{suffix}" for folder in ("held_out", "deployment") for suffix in ("parquet", "npy")
        ]
        expected += [f"{table}/{dataset}.parquet" for table in ("calibration", "calibration_curves")]
        expected += [f"pairwise/{dataset}/{measure}.parquet" for measure in ("disagreement", "js_divergence")]
    names = ["member_accuracies", "learning_curves", "attributions", "pairwise_disagreement"]
    names += [
        "calibration_curves",
        "confidence",
        "regret",
        "robustness",
        "effects_from_clean",
        "effects_on_nll",
        "predictors",
    ]
    names += [f"improvement_{kind}_{how}" for kind in ("over_mean", "over_baseline") for how in ("average", "vote")]
    expected += [f"figures/{name}.{suffix}" for name in names for suffix in ("png", "pdf")]
    missing = [path for path in expected if not (results / path).stat().st_size]
    assert missing == []


def test_members_learn_more_than_chance(results: Path) -> None:
    """One in ten is chance. Trainings this short end elsewhere on another processor, so single members may be poor."""
    labels = np.load(results / "labels" / "clean.npy")
    accuracies = {member: (predicted(results, "clean", member) == labels).mean() for member in MEMBERS}
    assert np.mean(list(accuracies.values())) > 0.2, accuracies
    assert max(accuracies.values()) > 0.3, accuracies


def test_all_members_of_a_dataset_have_its_samples(results: Path) -> None:
    for dataset in DATASETS:
        rows = len((results / "samples" / f"{dataset}.txt").read_text().splitlines())
        assert {len(predicted(results, dataset, member)) for member in MEMBERS} == {rows}


def test_calibration_judges_members_on_the_evaluation_split(results: Path) -> None:
    """A member's accuracy and NLL there and on the selection split add up to those of the whole set."""
    temperatures = pl.read_parquet(results / "temperatures.parquet")
    whole = pl.read_parquet(results / "accuracies" / "clean.parquet")
    judged = pl.read_parquet(results / "calibration" / "clean.parquet").filter(role="member", scaling="none")
    chosen = temperatures.filter(role="member")
    assert chosen["samples"][0] + judged["samples"][0] == whole["samples"][0]
    sums = chosen["nll_before"] * chosen["samples"] + judged["nll"] * judged["samples"]
    np.testing.assert_allclose(sums, whole["nll"] * whole["samples"], rtol=1e-9)
    assert temperatures["nll_after"].null_count() == 0
    assert (temperatures["nll_after"] <= temperatures["nll_before"] + 1e-12).all()


def test_a_choice_is_applied_to_the_studys_own_predictions(results: Path, tmp_path: Path) -> None:
    """The accuracy on the evaluation split is that of the table, for weights and for temperatures."""
    labels, names = np.load(results / "labels" / "noise.npy"), load_json(results / "classes.json")
    deployment = results / "deployment.json"
    choices, study = load_json(deployment)["choices"], resolve(STUDY)
    _, rows = split(len(labels), study["deployment"]["selection_share"], study["seed"])
    assert {"recommended-average", "greedy_weights-nll", "stacking-nll", "best-2-accuracy"} <= choices.keys()
    for name in ("greedy_weights-accuracy", "stacking-nll"):
        output = tmp_path / f"{name}.parquet"
        words = [deployment, "--choice", name, "--predictions", results / "predictions" / "noise"]
        words += ["--values", "logits", "--output", output]
        command = [sys.executable, "-m", "scripts.lib.predict", *map(str, words)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        found = np.array([names.index(label) for label in pl.read_parquet(output)["predicted"]])
        expected = choices[name]["held_out"]["noise"]["accuracy"]
        assert 100 * (found[rows] == labels[rows]).mean() == pytest.approx(expected)


def test_pairwise_disagreement_is_that_of_the_predictions(results: Path) -> None:
    table = pl.read_parquet(results / "pairwise" / "noise" / "disagreement.parquet")
    for row in table.iter_rows(named=True):
        first, second = (predicted(results, "noise", row[side]) for side in ("member_a", "member_b"))
        assert row["value"] == pytest.approx((first != second).mean())
    assert len(table) == len(MEMBERS) ** 2


def test_every_ensemble_is_evaluated_as_its_definition_says(results: Path) -> None:
    labels = np.load(results / "labels" / "noise.npy")
    recorded = [np.load(results / "predictions" / "noise" / f"{member}.npy") for member in MEMBERS]
    logits = np.stack(recorded).astype(float)
    probabilities = np.exp(logits - logits.max(2, keepdims=True))
    probabilities /= probabilities.sum(2, keepdims=True)
    single = (probabilities.argmax(2) == labels).mean(1) * 100
    table = pl.read_parquet(results / "ensembles" / "noise.parquet").filter(pl.col("consensus") == "average")
    assert len(table) == 2 ** len(MEMBERS) - len(MEMBERS) - 1
    for row in table.iter_rows(named=True):
        accuracy = (probabilities[row["members"]].mean(0).argmax(1) == labels).mean() * 100
        assert row["accuracy"] == pytest.approx(accuracy)
        assert row["improvement_over_mean"] == pytest.approx(accuracy - single[row["members"]].mean())
        assert row["improvement_over_best"] == pytest.approx(accuracy - single[row["members"]].max())
        assert row["improvement_over_baseline"] == pytest.approx(accuracy - single[0])


def test_correlations_are_those_of_the_ensembles(results: Path) -> None:
    ensembles = pl.read_parquet(results / "ensembles" / "noise.parquet").filter(pl.col("consensus") == "vote")
    row = pl.read_parquet(results / "correlations.parquet").filter(
        pl.col("dataset") == "noise",
        pl.col("consensus") == "vote",
        pl.col("measure") == "attribution_dissimilarity",
        pl.col("improvement") == "over_mean",
        pl.col("size") == "all",
    )
    expected = np.corrcoef(1 - ensembles["attribution_similarity"], ensembles["improvement_over_mean"])[0, 1]
    assert row["pearson"].item() == pytest.approx(expected)
    assert row["ensembles"].item() == len(ensembles)


def test_halves_add_up_to_the_whole(results: Path) -> None:
    ensembles = pl.read_parquet(results / "ensembles" / "noise.parquet")
    halves = pl.read_parquet(results / "halves" / "noise.parquet")
    members = pl.read_parquet(results / "accuracies" / "noise.parquet")
    samples = members["samples"][0]
    for consensus in ("average", "vote"):
        right = halves[f"{consensus}_even"].cast(int) + halves[f"{consensus}_odd"].cast(int)
        np.testing.assert_allclose(100 * right / samples, ensembles.filter(consensus=consensus)["accuracy"])
    np.testing.assert_allclose(100 * (members["right_even"] + members["right_odd"]) / samples, members["accuracy"])


def test_pairs_are_compared_on_each_half(results: Path) -> None:
    table = pl.read_parquet(results / "pairwise" / "noise" / "disagreement.parquet")
    for first, second, even, odd in table.select("member_a", "member_b", "value_even", "value_odd").rows():
        differ = predicted(results, "noise", first) != predicted(results, "noise", second)
        assert (even, odd) == pytest.approx((differ[::2].mean(), differ[1::2].mean()))


def test_effects_are_there_for_every_dataset_consensus_and_measure(results: Path) -> None:
    """Four members are too few for an effect; `tests/unit/statistics/test_effects.py` tests the numbers."""
    effects = pl.read_parquet(results / "effects.parquet")
    measures = {"disagreement", "js_divergence", "attribution_dissimilarity", "activation_dissimilarity"}
    assert set(effects["measure"]) == measures
    by_outcome = dict(effects["outcome"].value_counts().rows())
    # Two consensus, of which one averages probabilities.
    assert by_outcome == {"accuracy": len(DATASETS) * 2 * len(measures), "nll": len(DATASETS) * len(measures)}
    assert effects["partial"].is_null().all() == (effects["members"][0] < 5)


def test_regret_is_that_of_the_predictions(results: Path) -> None:
    labels = np.load(results / "labels" / "noise.npy")
    study = resolve(STUDY)
    _, rows = split(len(labels), study["deployment"]["selection_share"], study["seed"])
    logits = np.stack([np.load(results / "predictions" / "noise" / f"{member}.npy") for member in MEMBERS])
    powers = np.exp(logits.astype(float) - logits.max(2, keepdims=True))
    probabilities = powers / powers.sum(2, keepdims=True)

    def accuracy(members: list[int]) -> float:
        return 100 * float((probabilities[members][:, rows].mean(0).argmax(1) == labels[rows]).mean())

    table = pl.read_parquet(results / "held_out" / "noise.parquet").filter(consensus="average")
    [own] = table.filter(kind="own").to_dicts()
    chosen = table.filter(kind="chosen")
    assert chosen["members"].to_list()[-1] == list(range(len(MEMBERS)))
    assert chosen["recommended"].sum() == 1
    assert table["same_split"].all()
    for row in chosen.to_dicts():
        assert row["accuracy"] == pytest.approx(accuracy(row["members"]))
        assert row["regret"] == pytest.approx(accuracy(own["members"]) - accuracy(row["members"]))
        assert row["regret_low"] < row["regret"] < row["regret_high"]


def test_shares_of_the_variance_are_there_for_every_dataset_and_consensus(results: Path) -> None:
    """As effects, they need six members; `tests/unit/statistics/test_variance_shares.py` tests the numbers."""
    shares = pl.read_parquet(results / "variance_shares.parquet")
    assert set(shares.select("dataset", "consensus").unique().rows()) == {
        (dataset, way) for dataset in DATASETS for way in ("average", "vote")
    }
    assert set(shares["model"]) == set(pl.read_parquet(results / "effects.parquet")["measure"]) | {"all"}
    assert shares["share"].is_null().all() == (shares["members"][0] < 6)


def test_every_job_leaves_a_log_and_a_benchmark(finished: Path, results: Path) -> None:
    logs, benchmarks = finished / "logs" / "test", results / "benchmarks"
    logged = {path.relative_to(logs).with_suffix("") for path in logs.rglob("*.log")}
    measured = {path.relative_to(benchmarks).with_suffix("") for path in benchmarks.rglob("*.tsv")}
    assert logged == measured
    assert Path("train/resnext") in logged
    assert Path("infer/deit") in logged


def test_training_shows_epoch_loss_and_accuracy(finished: Path) -> None:
    log = (finished / "logs" / "test" / "train" / "deit.log").read_text(encoding="utf-8")
    assert "train deit epoch 4/4: loss " in log
    assert "validation accuracy" in log


def test_a_second_run_has_nothing_to_do(copied: Path) -> None:
    result = snakemake(copied)
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout


def test_on_one_machine_snakemake_does_not_limit_the_rate_of_jobs(tmp_path: Path) -> None:
    """Its limit makes it look at the ready jobs more often with every job that ends (rules/common.smk, onstart)."""
    result = snakemake(tmp_path, "results/test/study.json", "--verbose")
    assert result.returncode == 0, result.stdout
    limits = re.findall(r"Resources after job selection: .*'_job_count': (\d+)", result.stdout)
    assert set(limits) == {str(sys.maxsize)}
