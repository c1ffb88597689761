"""The results of a study, as far as `predict` reads them, new files of predictions, and the command itself."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.storage import save_json
from scripts.lib.networks.architectures import build
from scripts.lib.networks.weights import save_weights
from scripts.lib.predict.__main__ import main
from tests.unit.conftest import SMALL_DEIT, SMALL_MNASNET, SMALL_RESNEXT, small_member

N = 30  # samples in new files of predictions
CLASSES = ["cat", "dog", "bird"]
MEMBERS = ["deit", "resnext", "mnasnet"]
ARCHITECTURES = [SMALL_DEIT, SMALL_RESNEXT, SMALL_MNASNET | {"dropout": 0.0}]


def choice(consensus: str = "average", **changes: Any) -> dict[str, Any]:
    temperatures = [0.5, 2.0, 1.5] if consensus == "calibrated" else None
    return {"consensus": consensus, "members": MEMBERS, "weights": [1 / 3] * 3, "temperatures": temperatures} | changes


def write_deployment(folder: Path, **changes: Any) -> Path:
    """A deployment.json whose choice `one` can be changed by `choices`."""
    path = folder / "deployment.json"
    content = {"format": 1, "members": MEMBERS, "classes": CLASSES, "deploy": "one", "choices": {"one": choice()}}
    save_json(path, content | changes)
    return path


def write_networks(folder: Path, image_size: int = 32, size: int = 40) -> None:
    """study.json and the checkpoints of three small networks; members see images of `image_size`, stored are `size`.

    The last one was trained in a group.
    """
    entries = [{"id": name} | ({"group": "g"} if name == MEMBERS[-1] else {}) for name in MEMBERS]
    study = {"datasets": {"image_size": size, "resize": size + 8, "kind": "image-folder"}, "members": entries}
    save_json(folder / "study.json", study)
    for number, (name, architecture) in enumerate(zip(MEMBERS, ARCHITECTURES, strict=True)):
        torch.manual_seed(number)
        member = small_member("first") | {"id": name, "architecture": architecture, "image_size": image_size}
        member |= {"crop": 0.9} if name == "resnext" else {}
        place = Path("groups", "g") if name == MEMBERS[-1] else Path("checkpoints")
        weights = folder / place / f"{name}.safetensors"
        model = build(member, len(CLASSES)).model
        for parameter in model.parameters():  # fresh networks are almost indifferent
            parameter.data += 0.1 * torch.randn_like(parameter)
        weights.parent.mkdir(parents=True, exist_ok=True)
        save_weights(model, weights)
        record = {"member": member, "classes": CLASSES, "checksums": checksums(weights=weights)}
        save_json(weights.with_suffix(".json"), record)


def write_files(folder: Path, **columns: Any) -> np.ndarray:
    """A CSV file of probabilities for each member, with ids; returns them, float64 [3, N, 3]."""
    folder.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(0).dirichlet(np.ones(3), (3, N))
    for number, (member, rows) in enumerate(zip(MEMBERS, values, strict=True)):
        names = columns.get("classes", CLASSES)
        table = pl.DataFrame({"sample": [f"s{n}" for n in range(N)], **dict(zip(names, rows.T, strict=True))})
        # Each file has its samples and classes in another order.
        order = np.random.default_rng(number).permutation(N) if number else np.arange(N)
        table[order.tolist()].select("sample", *sorted(names, reverse=bool(number % 2))).write_csv(
            folder / f"{member}.csv"
        )
    return values


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])
