"""What the explorer knows of pairs of members: correct answers, agreement by class, and pictures of samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from scripts.lib.jobs.storage import load_array, load_json, load_table
from scripts.lib.report.explorer.arrays import counts, packed

MOST_MEMBERS = 64
MOST_CLASSES = 100
LEVELS = 16  # of an attribution map: its colours differ no finer
LARGEST_IMAGE, LARGEST_MAP = 64, 32  # pixels
MOST_BYTES = 3_000_000  # of all maps of the page, before they are deflated


def pairs_of(folder: Path, dataset: str, members: Sequence[str], datasets: int) -> dict[str, Any] | None:
    """The part of the block for one validation set; None for one member, and for more than 64."""
    if not 2 <= len(members) <= MOST_MEMBERS:
        return None
    table = load_table(folder / "member_pairs" / f"{dataset}.parquet")
    described = load_json(folder / "member_pairs" / f"{dataset}.json")
    content: dict[str, Any] = {
        name: counts(table[name].to_numpy().astype(np.int64)) for name in ("both_right", "only_a", "only_b", "same")
    }
    if len(described["classes"]) <= MOST_CLASSES:
        by_class = table.select(pl.col("same_by_class").explode())["same_by_class"].to_numpy().astype(np.int64)
        content |= {"same_by_class": counts(by_class), "class_samples": described["class_samples"]}
    content["classes"] = described["classes"]
    content["samples"], content["pictures"] = _pictures(folder, dataset, members, described["samples"], datasets)
    return content


def _pictures(
    folder: Path, dataset: str, members: Sequence[str], samples: Sequence[dict[str, Any]], datasets: int
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The samples that are shown, and their images and maps; fewer samples where there are many members and sets."""
    if not samples:
        return [], None
    paths = {m: folder / "attributions" / dataset / f"{name}.npy" for m, name in enumerate(members)}
    maps = {m: load_array(path) for m, path in paths.items() if path.exists()}
    per_sample = max(1, len(maps)) * LARGEST_MAP**2 * datasets
    shown = list(samples)[: max(4, MOST_BYTES // per_sample)]
    rows = [sample["row"] for sample in shown]
    images = load_array(folder / "images" / f"{dataset}.npy")[rows]
    size = min(LARGEST_IMAGE, images.shape[1])
    pixels = np.stack([_resized(image, size) for image in images])
    grey = bool((pixels == pixels[..., :1]).all())
    side = min(LARGEST_MAP, images.shape[1])
    return shown, {
        "size": size,
        "channels": 1 if grey else 3,
        "images": packed(pixels[..., :1] if grey else pixels, "u8"),
        "map_size": side,
        "maps": {str(member): packed(_levels(heat[rows], side), "u8") for member, heat in maps.items()},
    }


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))


def _levels(maps: np.ndarray, size: int) -> np.ndarray:
    """Maps float [K, S, S] with maximum 1 as whole numbers [K, size, size] from 0 to 15."""
    heat = [
        np.asarray(Image.fromarray(one.astype(np.float32)).resize((size, size), Image.Resampling.BILINEAR))
        for one in maps
    ]
    return np.rint(np.clip(np.stack(heat), 0, 1) * (LEVELS - 1)).astype(np.uint8)
