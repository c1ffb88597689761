"""A small study, members and images that several test modules share."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from PIL import Image

from scripts.lib.datasets.image_set import ArrayImages, ImageSet
from scripts.lib.datasets.spec import DATASET_KINDS
from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.ensembles.counting import Counted, Question, count_samples
from scripts.lib.ensembles.counts import Tally
from scripts.lib.ensembles.subsets import subsets as all_or_drawn_subsets
from scripts.lib.inference.predictions import Predictions
from scripts.lib.study.resolve import merge, resolve

# No example may take too long, whatever else the machine does.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

COLOURS = [(230, 40, 40), (40, 230, 40), (40, 40, 230)]
CLASSES = ["red", "green", "blue"]
SMALL_DEIT = {"name": "deit", "patch_size": 8, "embedding": 24, "heads": 3, "depth": 1}
SMALL_RESNEXT = {"name": "resnext", "layers": [1, 1, 1, 1], "cardinality": 8, "block_width": 2, "dropout": 0.2}
SMALL_MNASNET = {"name": "mnasnet", "depth_multiplier": 0.35, "batch_norm_momentum": 0.1}


def small_study(**changes: Any) -> dict[str, Any]:
    """A valid study file with two members, before defaults are filled in; `changes` replace top-level keys."""
    return {
        "name": "small",
        "datasets": {"kind": "digits", "image_size": 32, "validation": [{"id": "clean"}]},
        "members": [small_member_entry("first"), small_member_entry("second")],
    } | changes


def small_member_entry(name: str, **changes: Any) -> dict[str, Any]:
    entry = {
        "id": name,
        "architecture": SMALL_DEIT,
        "optimizer": {"name": "SGD", "lr": 0.1},
        "schedule": {"name": "cosine"},
        "epochs": 1,
        "batch_size": 16,
        "image_size": 32,
    }
    return merge(entry, changes)


def small_member(name: str = "first", **changes: Any) -> dict[str, Any]:
    """One complete member of a resolved study."""
    members = [small_member_entry(name, **changes), small_member_entry("another")]
    return resolve(small_study(members=members))["members"][0]


def coloured_pixels(count: int, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images uint8 [count, size, size, 3] of one of three colours, and which (the classes take turns)."""
    random = np.random.default_rng(count)
    labels = np.arange(count) % len(COLOURS)
    pixels = random.normal(np.array(COLOURS)[labels][:, None, None, :], 30, (count, size, size, 3))
    return pixels.clip(0, 255).astype(np.uint8), labels.astype(np.int64)


def coloured_training_set(count: int) -> ImageSet:
    pixels, labels = coloured_pixels(count)
    return ImageSet(ArrayImages(pixels), labels, [f"training/{row}" for row in range(count)], CLASSES)


def coloured_validation_set(count: int, size: int = 32) -> ValidationSet:
    pixels, labels = coloured_pixels(count, size)
    return ValidationSet(pixels, labels, [f"validation/{row}" for row in range(count)])


def write_image_folder(folder: Path, counts: dict[str, int]) -> Path:
    """An image folder with so many PNG files a class; every image has one colour of its own."""
    for label, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.new("RGB", (40, 36), (label * 50, number * 10, 200)).save(folder / name / f"{number}.png")
    return folder


def read_image_folder(folder: Path) -> ImageSet:
    return DATASET_KINDS["image-folder"].read_training({"training": {"folder": str(folder)}})


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Give the root logger its handlers back after a job has taken them."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def subsets(members: int, sizes: str | list[int], per_size: int = 10, seed: int = 0) -> np.ndarray:
    """The ensembles that a study evaluates; numbers that only matter where not all are evaluated are small."""
    return all_or_drawn_subsets(members, sizes, per_size, seed)


def tally_of(probabilities: torch.Tensor, labels: torch.Tensor, chosen: np.ndarray) -> Tally:
    """What a study counts, from probabilities [M, N, C] instead of files."""
    even, odd = counted([member.log().numpy() for member in probabilities], labels, chosen).halves
    return even + odd


def counted(
    logits: list[np.ndarray], labels: torch.Tensor, chosen: np.ndarray, in_groups: Sequence[int] = ()
) -> Counted:
    """What a study counts, from logits [N, C] of each member; `in_groups` are rows of `chosen`."""
    predictions = Predictions(
        "clean", [str(n) for n in range(len(logits))], [str(n) for n in range(len(labels))], logits
    )
    question = Question(chosen, ["average", "vote"], np.array(in_groups, np.int64))
    return count_samples(predictions, labels, range(len(labels)), question, torch.device("cpu"))
