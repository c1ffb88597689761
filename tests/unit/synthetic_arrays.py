"""The arrays of the made-up study: logits, images, attribution maps, and the tables that follow from them directly."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.ndimage import gaussian_filter

from scripts.lib.jobs.storage import save_array, save_json, save_lines, save_table
from scripts.lib.measures.member_pairs import described_samples, pairs_table, telling_samples
from tests.unit.synthetic_tables import class_probabilities, proper_scores, wilson_interval

CLASSES = ("T-shirt", "Trousers", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def member_logits(labels: np.ndarray, members: int, noise: float, random: Any) -> np.ndarray:
    """Members come in families that share errors; the noise of the dataset makes all of them worse."""
    truth = np.eye(len(CLASSES))[labels]
    shape = truth.shape
    shared = random.normal(size=shape)
    families = [random.normal(size=shape) for _ in range(3)]
    logits = []
    for member in range(members):
        own = random.normal(size=shape) * random.uniform(0.4, 1.1)
        skill = 3.6 - 1.2 * (member % 4) / 4
        logits.append(skill * truth + noise * (0.6 * shared + 0.7 * families[member // 3 % 3] + own))
    return np.stack(logits).astype(np.float32)


def save_samples(
    folder: Path,
    dataset: str,
    names: list[str],
    labels: np.ndarray,
    logits: np.ndarray,
    random: Any,
    attributions: bool,
) -> None:
    save_array(folder / "labels" / f"{dataset}.npy", labels.astype(np.int64))
    save_lines(folder / "samples" / f"{dataset}.txt", [f"test/{i}" for i in range(len(labels))])
    shapes = gaussian_filter(np.random.default_rng(1).normal(size=(len(labels), 32, 32)), (0, 5, 5))
    images = (255 * np.clip(shapes * 8, 0, 1)).astype(np.uint8)[..., None].repeat(3, axis=-1)
    save_array(folder / "images" / f"{dataset}.npy", images)
    for name, member in zip(names, logits, strict=True):
        save_array(folder / "predictions" / dataset / f"{name}.npy", member)
        if attributions:
            maps = images[:40, ..., 0] / 255 * np.abs(gaussian_filter(random.normal(size=(40, 32, 32)), (0, 1, 1)))
            maps /= np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-9)
            save_array(folder / "attributions" / dataset / f"{name}.npy", maps.astype(np.float16))
    right = logits.argmax(axis=2) == labels
    _save_pairs(folder, dataset, names, labels, logits.argmax(axis=2))
    rows = []
    for position, name in enumerate(names):
        low, high = wilson_interval(int(right[position].sum()), len(labels))
        row = {"position": position, "member": name, "dataset": dataset, "samples": len(labels)}
        row |= {"accuracy": 100 * right[position].mean(), "low": low, "high": high, "nll_clipped": 0, "one_hot": 0}
        rows.append(row | proper_scores(class_probabilities(logits)[position], labels) | {"ece": 0.05})
    save_table(folder / "accuracies" / f"{dataset}.parquet", pl.DataFrame(rows))


def _save_pairs(folder: Path, dataset: str, names: list[str], labels: np.ndarray, predicted: np.ndarray) -> None:
    """Which member of each pair is right; the first 40 samples have attribution maps."""
    save_table(folder / "member_pairs" / f"{dataset}.parquet", pairs_table(names, predicted, labels, len(CLASSES)))
    chosen, ids = telling_samples((predicted == labels)[:, :40]), [f"test/{i}" for i in range(len(labels))]
    content = {
        "classes": list(CLASSES),
        "class_samples": [int((labels == label).sum()) for label in range(len(CLASSES))],
        "samples": described_samples(chosen, ids, labels, predicted),
    }
    save_json(folder / "member_pairs" / f"{dataset}.json", content)
