"""The tables of a made-up study that need more than one validation set, computed by the library itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.deployment import split
from scripts.lib.ensembles.held_out import held_out, resampled
from scripts.lib.ensembles.selection import Samples
from scripts.lib.inference.predictions import Predictions
from scripts.lib.jobs.storage import load_table, save_array, save_table
from scripts.lib.statistics.effects_from_clean import effects_from_clean
from scripts.lib.statistics.predictors import predictors_table
from scripts.lib.statistics.robustness_study import StudyFiles, robustness_of_study
from scripts.lib.statistics.split_evidence import SplitEvidence

WAYS = ("average", "vote")
OUTPUTS = {"robustness": "robustness", "lines": "robustness_lines", "over_sets": "robustness_over_sets"}
OUTPUTS |= {"by_size": "robustness_by_size"}


def save_shift(
    folder: Path,
    logits: Mapping[str, np.ndarray],
    labels: np.ndarray,
    evidence: Sequence[tuple[str, SplitEvidence]],
    chosen: np.ndarray,
    baseline: bool,
) -> None:
    """What the jobs of rules/shift.smk would write of a study with these `logits` [M, N, C] of each dataset."""
    clean = next(iter(logits))
    for dataset, values in logits.items():
        _save_halves(folder, dataset, values, labels)
        samples = _evaluation_split(dataset, values, labels)
        deployed = {name: load_table(folder / "deployment" / f"{name}.parquet") for name in (clean, dataset)}
        own = None if dataset == clean else deployed[dataset]
        table, correct = held_out(samples, deployed[clean], own, WAYS, same_split=True)
        save_table(folder / "held_out" / f"{dataset}.parquet", table)
        save_array(folder / "held_out" / f"{dataset}.npy", resampled(correct, 0))
    paths = {name: [str(folder / name / f"{dataset}.parquet") for dataset in logits] for name in StudyFiles.names()}
    paths["resampled"] = [str(folder / "held_out" / f"{dataset}.npy") for dataset in logits]
    sizes = np.sort(chosen.sum(1), kind="stable")
    tables = robustness_of_study(StudyFiles(list(logits), **paths), sizes, 0 if baseline else None)
    for name, output in OUTPUTS.items():
        save_table(folder / f"{output}.parquet", tables[name])
    save_table(folder / "effects_from_clean.parquet", effects_from_clean(lambda: iter(evidence), chosen, 99, 0))
    save_table(folder / "predictors.parquet", predictors_table(lambda: iter(evidence), chosen))


def _evaluation_split(dataset: str, logits: np.ndarray, labels: np.ndarray) -> Samples:
    _, rows = split(len(labels), 0.5, 0)
    predictions = Predictions(dataset, [""] * len(logits), [""] * len(rows), list(logits[:, rows]))
    return Samples(predictions, torch.from_numpy(labels[rows]), torch.device("cpu"))


def _save_halves(folder: Path, dataset: str, logits: np.ndarray, labels: np.ndarray) -> None:
    """Correct answers on the even and the odd samples: of the members, and of ensembles by their size."""
    right = logits.argmax(2) == labels
    path = folder / "accuracies" / f"{dataset}.parquet"
    counts = {f"right_{half}": right[:, start::2].sum(1) for start, half in enumerate(("even", "odd"))}
    save_table(path, load_table(path).with_columns(**{name: pl.Series(values) for name, values in counts.items()}))
    table = load_table(folder / "ensembles" / f"{dataset}.parquet").sort("size", maintain_order=True)
    columns = {}
    for way in WAYS:
        whole = (table.filter(consensus=way)["accuracy"] * len(labels) / 100).round().cast(pl.UInt32)
        columns |= {f"{way}_even": whole // 2, f"{way}_odd": whole - whole // 2}
    save_table(folder / "halves" / f"{dataset}.parquet", pl.DataFrame(columns))
