"""The tables of the made-up study, computed from its logits by plain means."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import norm, pearsonr, rankdata

from scripts.lib.jobs.storage import save_table


def wilson_interval(right: int, count: int, z: float = 1.96) -> tuple[float, float]:
    share = right / count
    centre = share + z**2 / (2 * count)
    spread = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return 100 * (centre - spread) / (1 + z**2 / count), 100 * (centre + spread) / (1 + z**2 / count)


def class_probabilities(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(axis=2, keepdims=True))
    return exponents / exponents.sum(axis=2, keepdims=True)


def proper_scores(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """NLL and Brier score of probabilities [N, C]."""
    true = probabilities[np.arange(len(labels)), labels]
    truth = np.eye(probabilities.shape[1])[labels]
    return {"nll": -np.log(true.clip(1e-12)).mean(), "brier": ((probabilities - truth) ** 2).sum(1).mean()}


def pairwise_matrices(logits: np.ndarray, wanted: Sequence[str], random: Any) -> dict[str, np.ndarray]:
    predicted = logits.argmax(axis=2)
    disagreement = (predicted[:, None] != predicted[None]).mean(axis=2)
    wobble = random.normal(0, 0.03, disagreement.shape)
    wobble = (wobble + wobble.T) / 2
    np.fill_diagonal(wobble, 0)
    every = {
        "disagreement": disagreement,
        "attribution_similarity": np.clip(1 - 1.2 * disagreement**0.5 + 2 * wobble, -1, 1),
        "activation_similarity": np.clip(1 - 0.9 * disagreement**0.7 + wobble, 0, 1),
        "js_divergence": np.clip(0.5 * disagreement + 0.3 * wobble, 0, np.log(2)),
    }
    return {measure: every[measure] for measure in wanted}


def save_pairwise(folder: Path, dataset: str, names: list[str], matrices: dict[str, np.ndarray], samples: int) -> None:
    for measure, matrix in matrices.items():
        rows = [
            {"member_a": a, "member_b": b, "value": float(matrix[i, j]), "samples": samples}
            for i, a in enumerate(names)
            for j, b in enumerate(names)
        ]
        save_table(folder / "pairwise" / dataset / f"{measure}.parquet", pl.DataFrame(rows))


def ensembles_table(
    logits: np.ndarray, labels: np.ndarray, matrices: dict[str, np.ndarray], baseline: bool, most: int
) -> pl.DataFrame:
    """The first `most` ensembles of each size from two on, in the order of their codes."""
    members = len(logits)
    codes = np.arange(1, 2**members)
    masks = ((codes[:, None] >> np.arange(members)) & 1).astype(np.float32)
    size = masks.sum(axis=1)
    kept = np.sort(np.concatenate([np.flatnonzero(size == one)[:most] for one in range(2, members + 1)]))
    masks, size = masks[kept], size[kept]
    probabilities = class_probabilities(logits.astype(np.float64))
    single = 100 * (logits.argmax(axis=2) == labels).mean(axis=1)
    votes = np.eye(logits.shape[2])[logits.argmax(axis=2)] + 1e-4 * probabilities
    tables = []
    for consensus, scores in {"average": probabilities, "vote": votes}.items():
        flat = scores.reshape(members, -1).astype(np.float32)
        chunks = np.array_split(masks, max(1, len(masks) // 2048))
        right = [(chunk @ flat).reshape(len(chunk), *labels.shape, -1).argmax(axis=2) == labels for chunk in chunks]
        accuracy = 100 * np.concatenate([part.mean(axis=1) for part in right])
        mean = masks @ single / size
        best = np.where(masks > 0, single, -np.inf).max(axis=1)
        columns: dict[str, Any] = {
            "members": pl.Series([np.flatnonzero(mask).tolist() for mask in masks], dtype=pl.List(pl.UInt16)),
            "size": size.astype(np.int64),
            "consensus": [consensus] * len(masks),
            "accuracy": accuracy,
            "mean_member_accuracy": mean,
            "best_member_accuracy": best,
            "improvement_over_mean": accuracy - mean,
            "improvement_over_best": accuracy - best,
        }
        if baseline:
            columns["improvement_over_baseline"] = accuracy - single[0]
        columns["error_improvement_ratio"] = (accuracy - mean) / (100 - mean)
        columns |= _score_columns(probabilities, labels, masks.astype(bool), baseline, consensus == "average")
        for measure, matrix in matrices.items():
            total = np.einsum("em,mn,en->e", masks, matrix, masks, optimize=True) - masks @ np.diag(matrix)
            columns[measure] = total / (size * (size - 1))
        tables.append(pl.DataFrame(columns))
    return pl.concat(tables)


def _score_columns(
    probabilities: np.ndarray, labels: np.ndarray, chosen: np.ndarray, baseline: bool, scored: bool
) -> dict[str, Any]:
    alone = [proper_scores(member, labels) for member in probabilities]
    together = [proper_scores(probabilities[row].mean(0), labels) for row in chosen]
    columns: dict[str, Any] = {}
    for name in ("nll", "brier"):
        of_members = np.array([scores[name] for scores in alone])
        columns[name] = np.array([scores[name] for scores in together])
        references = {"mean": chosen @ of_members / chosen.sum(1), "best": np.where(chosen, of_members, np.inf).min(1)}
        references |= {"baseline": of_members[0]} if baseline else {}
        columns |= {f"{name}_improvement_over_{key}": value - columns[name] for key, value in references.items()}
    return columns if scored else {name: pl.Series([None] * len(chosen), dtype=pl.Float64) for name in columns}


def correlations_table(
    tables: dict[str, pl.DataFrame], measures: Sequence[str], improvements: Sequence[str], members: int
) -> pl.DataFrame:
    rows = []
    for dataset, table in tables.items():
        for consensus in ("average", "vote"):
            chosen = table.filter(consensus=consensus)
            for measure in measures:
                for improvement in improvements:
                    key = {"dataset": dataset, "consensus": consensus, "measure": measure, "improvement": improvement}
                    rows.append(key | _correlation(chosen, measure, improvement, members))
    found = pl.DataFrame(rows, infer_schema_length=None)
    return found.with_columns(q_value=pl.col("p_value"), interval=pl.lit("jackknife")).select(
        *("dataset", "consensus", "measure", "improvement", "size", "pearson", "spearman", "partial_pearson"),
        *("ci_low", "ci_high", "p_value", "q_value", "ensembles", "interval"),
    )


def _correlation(table: pl.DataFrame, measure: str, improvement: str, members: int) -> dict[str, Any]:
    column = measure if measure in table.columns else measure.replace("dis", "", 1)
    x = table[column].to_numpy() * (1 if column == measure else -1)
    y = table[f"improvement_{improvement}"].to_numpy()
    z = table["mean_member_accuracy"].to_numpy()
    empty = dict.fromkeys(["pearson", "spearman", "partial_pearson", "ci_low", "ci_high", "p_value"])
    if len(x) < 3:
        return {"size": "all", "ensembles": len(x), **empty}
    r = float(pearsonr(x, y).statistic)
    width = 1.96 / np.sqrt(max(members - 3, 1))
    partial = None
    if measure != "mean_member_accuracy":
        xz, yz = pearsonr(x, z).statistic, pearsonr(y, z).statistic
        partial = float((r - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)))
    return {
        "size": "all",
        "pearson": r,
        "spearman": float(pearsonr(rankdata(x), rankdata(y)).statistic),
        "partial_pearson": partial,
        "ci_low": float(np.tanh(np.arctanh(r) - width)),
        "ci_high": float(np.tanh(np.arctanh(r) + width)),
        "p_value": float(2 * norm.sf(abs(np.arctanh(r)) * np.sqrt(max(members - 3, 1)))),
        "ensembles": len(x),
    }
