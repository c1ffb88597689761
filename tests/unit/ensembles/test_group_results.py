"""Accuracies and diversities of groups, against sums by hand; each consensus gets what it decides by."""

from pathlib import Path

import numpy as np
import pytest

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.ensembles.group_results import Question, group_results
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.storage import digest_of_lines, save_array, save_json, save_lines

MEMBERS, SAMPLES = ["a", "b", "c"], ["0", "1", "2"]
# On the second sample, most members are for class y, but one excludes it: only the arithmetic average takes y.
PROBABILITIES = np.array(
    [
        [[0.50, 0.45, 0.05], [0.3, 0.7 - 1e-9, 1e-9], [0.1, 0.1, 0.8]],
        [[0.50, 0.45, 0.05], [0.3, 0.7 - 1e-9, 1e-9], [0.1, 0.1, 0.8]],
        [[0.01, 0.98, 0.01], [0.4, 1e-9, 0.6 - 1e-9], [0.2, 0.7, 0.1]],
    ]
)
LABELS = np.array([1, 0, 2])


def recorded(folder: Path) -> RecordedFiles:
    for member, values in zip(MEMBERS, PROBABILITIES, strict=True):
        path = folder / f"{member}.npy"
        save_array(path, np.log(values).astype(np.float32))
        record = {"samples": digest_of_lines(SAMPLES), "sample_count": 3, "checksums": checksums(predictions=path)}
        save_json(path.with_suffix(".json"), record)
    save_array(folder / "labels.npy", LABELS)
    save_lines(folder / "samples.txt", SAMPLES)
    sums = checksums(labels=folder / "labels.npy", samples=folder / "samples.txt")
    save_json(folder / "set.json", {"checksums": sums})
    save_json(folder / "classes.json", ["x", "y", "z"])
    inputs = {"records": folder, "arrays": folder, "labels": folder / "labels.npy", "samples": folder / "samples.txt"}
    return RecordedFiles.declared(
        "clean", MEMBERS, inputs | {"set_record": folder / "set.json", "classes": folder / "classes.json"}
    )


def found(folder: Path) -> dict[tuple[str, str], float]:
    group = {"id": "g", "way": "g", "loss": {"ncl": 0.5}, "seed": 1, "members": MEMBERS}
    matrix = np.arange(27, dtype=float).reshape(3, 3, 3)
    question = Question([group], MEMBERS, list(CONSENSUS_METHODS))
    table = group_results(question, recorded(folder), {"disagreement": matrix})
    assert table["loss"].unique().to_list() == ["ncl 0.5"]
    return {(row["quantity"], row["samples"]): row["value"] for row in table.iter_rows(named=True)}


def test_members_and_halves(tmp_path: Path) -> None:
    values = found(tmp_path)
    right = PROBABILITIES.argmax(2) == LABELS
    assert values["member_accuracy", "all"] == pytest.approx(100 * right.mean())
    assert values["member_accuracy", "even"] == pytest.approx(100 * right[:, ::2].mean())
    assert values["member_accuracy", "odd"] == pytest.approx(100 * right[:, 1::2].mean())


def test_each_consensus_decides_by_its_own_scores(tmp_path: Path) -> None:
    """Of three samples: the geometric average is right where no member excludes the true class."""
    values = found(tmp_path)
    arithmetic = PROBABILITIES.mean(0).argmax(1) == LABELS
    geometric = np.log(PROBABILITIES).mean(0).argmax(1) == LABELS
    assert not (arithmetic == geometric).all()
    assert values["ensemble_accuracy_average", "all"] == pytest.approx(100 * arithmetic.mean())
    for name in ("geometric", "product", "average_logits"):
        assert values[f"ensemble_accuracy_{name}", "all"] == pytest.approx(100 * geometric.mean())


def test_diversity_is_the_mean_over_pairs(tmp_path: Path) -> None:
    values = found(tmp_path)
    assert values["disagreement", "all"] == np.mean([1, 2, 5])
    assert values["disagreement", "odd"] == np.mean([19, 20, 23])
