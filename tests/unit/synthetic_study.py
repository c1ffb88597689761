"""A small made-up study with every file of `docs/contracts.md` that figures and report read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from scipy.special import softmax

from scripts.lib.calibration.tables import calibration_tables, temperatures_table
from scripts.lib.ensembles.selection import best_evaluated
from scripts.lib.inference.predictions import Predictions
from scripts.lib.jobs.storage import load_json, load_table, save_json, save_table
from scripts.lib.measures.spec import MEASURES as SPECS
from scripts.lib.report.figure import StudyOutline
from scripts.lib.statistics.effect_differences import differences_of
from scripts.lib.statistics.effects import effects_of, estimates
from scripts.lib.statistics.split_evidence import SplitEvidence, nll_outcome
from scripts.lib.statistics.variance_shares import variance_shares_table
from tests.unit.synthetic_arrays import CLASSES, member_logits, save_samples
from tests.unit.synthetic_shift import save_shift
from tests.unit.synthetic_tables import (
    correlations_table,
    ensembles_table,
    pairwise_matrices,
    save_pairwise,
)
from tests.unit.synthetic_verdicts import synthetic_verdicts

DATASETS = ("clean", "noise", "blur", "weather", "digital")
PAIRWISE = ("disagreement", "attribution_similarity", "activation_similarity", "js_divergence")
MEASURES = (
    "disagreement",
    "attribution_dissimilarity",
    "activation_dissimilarity",
    "js_divergence",
    "mean_member_accuracy",
)
NAMES = (
    *("ResNext50_32_2", "ResNext50_32_41", "ResNext50_16_4", "MNASNET_1", "MNASNET_1p", "Squeezenet_512"),
    *("Squeezenet", "deit_tiny_p16_224", "bootstrapNAS-B_0", "bootstrapNAS-B_1", "dino_deit_tiny1"),
    *("dino_deit_tiny2", "dino_resnet1", "dino_resnet2", "dino_resnet3"),
)


def make_study(
    root: Path,
    members: int = 8,
    datasets: Sequence[str] = DATASETS,
    samples: int = 300,
    pairwise: Sequence[str] = PAIRWISE,
    baseline: bool = False,
    most: int = 1000,
) -> Path:
    """Write a complete study below `root`, with at most `most` ensembles of each size; return its folder."""
    folder = root / "synthetic"
    names = list(NAMES[:members])
    random = np.random.default_rng(0)
    improvements = ["over_mean", "over_best"] + ["over_baseline"] * baseline
    measures = [m for m in MEASURES if m in pairwise or m == MEASURES[-1] or m.replace("dis", "", 1) in pairwise]
    _save_settings(folder, names, datasets, pairwise, baseline, random)
    tables, evidence, all_logits = {}, [], {}
    labels = random.integers(0, len(CLASSES), samples)
    for number, dataset in enumerate(datasets):
        logits = all_logits[dataset] = member_logits(labels, members, noise=1.0 + 0.35 * number, random=random)
        save_samples(folder, dataset, names, labels, logits, random, attributions="attribution_similarity" in pairwise)
        matrices = pairwise_matrices(logits, pairwise, random)
        save_pairwise(folder, dataset, names, matrices, samples)
        tables[dataset] = ensembles_table(logits, labels, matrices, baseline, most)
        evidence.append((dataset, _evidence(tables[dataset], logits, labels, matrices)))
        save_table(folder / "ensembles" / f"{dataset}.parquet", tables[dataset])
        best = best_evaluated(tables[dataset], "all").sort("consensus", "size")
        save_table(folder / "best_ensembles" / f"{dataset}.parquet", best)
        save_table(folder / "deployment" / f"{dataset}.parquet", _deployment(best, dataset))
        save_table(folder / "contributions" / f"{dataset}.parquet", _contributions(names, dataset, random))
        _save_calibration(folder, datasets[0], Predictions(dataset, names, [], list(logits)), torch.from_numpy(labels))
    chosen = _chosen(tables[datasets[0]], members)
    found = list(estimates(evidence, chosen, 99, 0))
    save_table(folder / "effects.parquet", effects_of(found))
    save_table(folder / "effect_differences.parquet", differences_of(found))
    save_table(folder / "verdicts.parquet", synthetic_verdicts(datasets, members))
    save_table(folder / "variance_shares.parquet", variance_shares_table(evidence, chosen))
    save_table(folder / "correlations.parquet", correlations_table(tables, measures, improvements, members))
    if len(datasets) > 1:
        save_shift(folder, all_logits, labels, evidence, chosen, baseline)
    return folder


def _evidence(
    table: pl.DataFrame, logits: np.ndarray, labels: np.ndarray, matrices: dict[str, np.ndarray]
) -> SplitEvidence:
    """Both halves as if they were the whole: the report only needs numbers."""
    accuracies, confidences = 100 * (logits.argmax(2) == labels).mean(1), softmax(logits, 2).max(2).mean(1)
    outcomes = {way: table.filter(consensus=way)["accuracy"].to_numpy() for way in ("average", "vote")}
    nll = _nll(logits, labels), table.filter(consensus="average")["nll"].to_numpy()
    accuracies, confidences, of_members, of_ensembles = (
        np.stack([values] * 2) for values in (accuracies, confidences, *nll)
    )
    return SplitEvidence(
        accuracies,
        confidences,
        {way: np.stack([values] * 2) for way, values in outcomes.items()},
        {SPECS[name].diversity: SPECS[name].as_diversity(np.stack([matrix] * 2)) for name, matrix in matrices.items()},
        scores=[nll_outcome(of_members, confidences, {"average": of_ensembles})],
    )


def _nll(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(2, keepdims=True))
    true = powers[:, np.arange(len(labels)), labels] / powers.sum(2)
    return np.asarray(-np.log(true).mean(1))


def _save_calibration(folder: Path, clean: str, predictions: Predictions, labels: torch.Tensor) -> None:
    """Temperatures on the clean set, which comes first; and what becomes of them on every set."""
    settings, path = (0.5, 0, torch.device("cpu")), folder / "temperatures.parquet"
    if predictions.dataset == clean:
        chosen = load_table(folder / "deployment" / f"{clean}.parquet").filter(consensus="average")
        save_table(path, temperatures_table(predictions, labels, chosen, *settings))
    tables = calibration_tables(predictions, labels, load_table(path), *settings)
    for name, table in zip(("calibration", "calibration_curves"), tables, strict=True):
        save_table(folder / name / f"{predictions.dataset}.parquet", table)


def _chosen(table: pl.DataFrame, members: int) -> np.ndarray:
    lists = table.filter(consensus="average")["members"].to_list()
    return np.array([[member in row for member in range(members)] for row in lists]).reshape(-1, members)


def outline(folder: Path) -> StudyOutline:
    """What the rules would say of this study to its figures."""
    study = load_json(folder / "study.json")
    members = [member["id"] for member in study["members"]]
    return StudyOutline(
        datasets=[dataset["id"] for dataset in study["datasets"]["validation"]],
        members=members,
        measures=study["measures"],
        consensus=study["ensembles"]["consensus"],
        improvements=["over_mean", "over_best"] + ["over_baseline"] * bool(study["baseline"]),
        members_with_network=members if (folder / "attributions").exists() else [],
        members_trained_alone=members,
    )


def _deployment(best: pl.DataFrame, dataset: str) -> pl.DataFrame:
    """The best ensembles as if they had been judged on other samples, and a single member before them."""
    members = pl.col("members").list.head(1)
    alone = best.unique("consensus", maintain_order=True).with_columns(members, size=pl.lit(1, best["size"].dtype))
    chosen = pl.concat([alone, best]).with_columns(
        dataset=pl.lit(dataset),
        selection_accuracy=pl.col("accuracy") + 0.5,
        low=pl.col("accuracy") - 3,
        high=pl.col("accuracy") + 3,
        over_best_member=pl.col("accuracy") - pl.col("best_member_accuracy"),
        over_best_low=pl.col("accuracy") - pl.col("best_member_accuracy") - 2,
        over_best_high=pl.col("accuracy") - pl.col("best_member_accuracy") + 2,
        macs=12.5e6 * pl.col("size"),
        latency_ms=4.2 * pl.col("size"),
        parameters=3e6 * pl.col("size"),
    )
    return pl.concat([chosen.with_columns(chosen_for=pl.lit(purpose)) for purpose in ("size", "cost")])


def _contributions(names: list[str], dataset: str, random: Any) -> pl.DataFrame:
    tables = [
        pl.DataFrame({"position": range(len(names)), "member": names}).with_columns(
            pl.Series("leave_one_out", random.normal(size=len(names))),
            pl.Series("shapley", random.uniform(0, 10, len(names))),
            dataset=pl.lit(dataset),
            consensus=pl.lit(way),
        )
        for way in ("average", "vote")
    ]
    return pl.concat(tables)


def _save_settings(
    folder: Path, names: list[str], datasets: Sequence[str], pairwise: Sequence[str], baseline: bool, random: Any
) -> None:
    study = {
        "name": folder.name,
        "members": [{"id": name, "kind": "supervised", "seed": 1} for name in names],
        "datasets": {"validation": [{"id": dataset} for dataset in datasets]},
        "measures": list(pairwise),
        "groups": [],
        "zoo": [],
        "seed": 0,
        "deployment": {"selection_share": 0.5},
        "ensembles": {"sizes": "all", "consensus": ["average", "vote"]},
        "baseline": names[0] if baseline else None,
        "note": "<script>alert('escape me')</script>",
    }
    save_json(folder / "study.json", study)
    save_json(folder / "classes.json", list(CLASSES))
    rows = []
    for position, name in enumerate(names):
        epochs = int(random.integers(2, 9))
        seconds = float(random.uniform(20, 80))
        save_json(folder / "checkpoints" / f"{name}.json", _checkpoint(epochs, seconds, random))
        rows.append(
            {
                "position": position,
                "member": name,
                "kind": "supervised",
                "architecture": name.split("_")[0].lower(),
                "family": name.split("_")[0].lower(),
                "parameters": int(random.integers(700_000, 25_000_000)),
                "macs": int(random.integers(5_000_000, 400_000_000)),
                "latency_ms": float(random.uniform(2, 20)),
                "image_size": 32,
                "epochs": epochs,
                "training_images": 5000,
                "seconds": seconds,
                "device": "cpu",
                "recipe": json.dumps({"optimizer": "sgd"}),
            }
        )
    save_table(folder / "members.parquet", pl.DataFrame(rows))
    for rule, job, seconds in [("train", names[0], 61.5), ("train", names[-1], 40.25), ("ensembles", "clean", 3.5)]:
        columns = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
        row = f"{seconds}\t0:01:01\t812.5\t3000\t700\t710\t0.0\t1.0\t150.0\t90.0\n"
        path = folder / "benchmarks" / rule / f"{job}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(columns + row, encoding="utf-8")


def _checkpoint(epochs: int, seconds: float, random: Any) -> dict[str, Any]:
    history = [
        {
            "epoch": epoch,
            "loss": float(0.4 + 1.8 * np.exp(-epoch / 2) + random.normal(0, 0.05)),
            "learning_rate": 0.1,
            "training_accuracy": float(90 - 60 * np.exp(-epoch / 2) + random.normal(0, 1)),
            "validation_accuracy": float(85 - 50 * np.exp(-epoch / 2) + random.normal(0, 2)),
            "seconds": seconds / epochs,
        }
        for epoch in range(1, epochs + 1)
    ]
    versions = {"python": "3.11.2", "torch": "2.13.0", "timm": "1.0.31", "commit": "ab4056f"}
    return {"history": history, "versions": versions, "device": "cpu", "seconds": seconds}
