"""config/paper.yaml for real, at 224 pixels, on a miniature ImageNet of photographs: a few steps of every member.

`make test` runs one member of each kind on two sets; `make proof` all members on all five.
"""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from tests import miniature_imagenet as miniature
from tests.workflow.conftest import ROOT, snakemake

CLASSES = miniature.synsets(3)
PAPER = ROOT / "config" / "paper.yaml"
FEW_STEPS = {
    "epochs": 1,
    "batch_size": 4,
    "views": {"local_count": 2},
    "dino": {"outputs": 64, "hidden": 64, "bottleneck": 16, "teacher_temperature_epochs": 1},
    "knn": {"images": 12, "neighbours": 3},
}
# What cannot be had with twelve pictures: learning rates meant for batches of hundreds (what these networks say would
# overflow, or be nothing at all), and the statistics of a sub-network on 1500 images.
SLOW: dict[str, Any] = {"optimizer": {"lr": 0.001}}
CHANGES = {"MNASNET": SLOW, "ResNet50": SLOW, "Squeezenet": SLOW, "bootstrapNAS": {"batch_norm_images": 8}}


def miniature_study(folder: Path, members: list[str], datasets: list[str]) -> Path:
    """The paper's study with these members and validation sets, on pictures below `folder`; little else is changed."""
    miniature.write_folders(folder / "train", CLASSES, 4)
    clean = miniature.write_folders(folder / "val", CLASSES, 2, seed=50)
    families = [family for family in miniature.CORRUPTIONS if family in datasets]
    miniature.write_corrupted(folder / "c", clean, families, [1, 2, 3, 4, 5])
    miniature.write_folders(folder / "a", CLASSES[1:], 2, seed=70)
    study = yaml.safe_load(PAPER.read_text(encoding="utf-8"))
    study["members"] = [entry for entry in study["members"] if entry["id"] in members or not members]
    for entry in study["members"]:
        entry |= CHANGES.get(entry["recipe"].split("_")[0].split("-")[0], {})
    named = {entry.get("backbone") for entry in study["members"]}
    study["backbones"] = [entry for entry in study["backbones"] if entry["id"] in named]
    study["baseline"] = None if members else study["baseline"]
    study["supernets"] = [shortened(entry) for entry in study["supernets"] if not members]
    images = study["datasets"]
    images |= {"classes": len(CLASSES), "training": {"folder": str(folder / "train")}}
    sets = {"clean": "val", "imagenet-a": "a"}
    images["validation"].append({"id": "imagenet-a"})
    images["validation"] = [entry for entry in images["validation"] if entry["id"] in datasets]
    for entry in images["validation"]:
        entry["folder"] = str(folder / sets.get(entry["id"], "c"))
    study |= {"name": "miniature", "workers": 0, "overrides": FEW_STEPS, "activations": {"samples": 6}}
    study["attributions"] |= {"samples": 2, "steps": 2}
    study["statistics"] = {"permutations": 99}
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    return path


def shortened(supernet: dict[str, Any]) -> dict[str, Any]:
    """Listing 1 with one epoch per stage, from a member of the study instead of a download."""
    supernet |= {"base": {"member": "resnet50"}, "batch_size": 4, "evaluation_images": 3}
    settings = supernet["bootstrapNAS"]
    settings["training"]["batchnorm_adaptation"]["num_bn_adaptation_samples"] = 8
    for stage in settings["training"]["schedule"]["list_stage_descriptions"]:
        stage |= {"epochs": 1, "epochs_lr": 1}
    settings["search"] |= {"num_evals": 4, "population": 2}
    return supernet


def run(folder: Path, members: list[str], datasets: list[str], *targets: str) -> tuple[dict[str, Any], Path]:
    path = miniature_study(folder, members, datasets)
    result = snakemake(folder, *(f"results/miniature/{target}" for target in targets), study=path)
    assert result.returncode == 0, result.stdout
    return yaml.safe_load(path.read_text(encoding="utf-8")), folder / "results" / "miniature"


def assert_complete(study: dict[str, Any], results: Path) -> None:
    for dataset in (entry["id"] for entry in study["datasets"]["validation"]):
        for member in (entry["id"] for entry in study["members"]):
            logits = np.load(results / "predictions" / dataset / f"{member}.npy")
            assert logits.shape[1] == len(CLASSES)
            assert np.isfinite(logits).all()
            maps = np.load(results / "attributions" / dataset / f"{member}.npy")
            assert maps.shape == (2, 224, 224)
            assert maps.max() == 1
        count = len(study["members"])
        ensembles = pl.read_parquet(results / "ensembles" / f"{dataset}.parquet").filter(consensus="average")
        assert len(ensembles) == 2**count - count - 1


def test_one_member_of_each_kind(tmp_path: Path) -> None:
    """To the last tables and the figure that shows pictures; the other figures see no difference to small pictures."""
    targets = ("verdicts.parquet", "effects.parquet", "ensembles/clean.parquet", "figures/attributions.png")
    study, results = run(tmp_path, ["Squeezenet", "dino_deit_tiny1"], ["clean", "imagenet-a"], *targets)
    assert_complete(study, results)
    # Two classes of the three count on the set that has two; the rest is left out of table and ensemble.
    labels = np.load(results / "labels" / "imagenet-a.npy")
    assert set(labels) == {1, 2}
    accuracies = pl.read_parquet(results / "accuracies" / "imagenet-a.parquet")
    for row in accuracies.iter_rows(named=True):
        logits = np.load(results / "predictions" / "imagenet-a" / f"{row['member']}.npy")
        assert row["accuracy"] == pytest.approx(100 * (logits[:, 1:].argmax(1) + 1 == labels).mean())


@pytest.mark.proof
def test_every_member_of_the_paper(tmp_path: Path) -> None:
    study, results = run(tmp_path, [], ["clean", "noise", "blur", "weather", "digital"])
    assert_complete(study, results)
    assert (results / "report.html").stat().st_size > 100_000
    weights = [(results / "checkpoints" / f"dino_resnet{number}.safetensors").read_bytes() for number in (1, 2)]
    assert weights[0] != weights[1]
    assert len(list((results / "backbones").glob("*.safetensors"))) == 3
