"""Models from elsewhere in real runs of the workflow: files of predictions alone, and one of each kind."""

import re
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
import yaml
from safetensors.torch import save_file

from scripts.lib.jobs.storage import load_json
from scripts.lib.networks.vision import timm, torchvision
from scripts.lib.report.external_members import partial_table
from tests.unit.members.test_onnx_files import saved
from tests.workflow.conftest import planned, replaced, snakemake

CLASSES = ["cat", "dog", "newt"]
LABELS = np.arange(60) % 3
SAMPLES = [f"s{number:02d}" for number in range(60)]
SHORT: dict[str, Any] = {"statistics": {"permutations": 99}}


def write_predictions(folder: Path, dataset: str, member: str, skill: float, seed: int) -> None:
    generator = np.random.default_rng([seed, len(dataset)])
    scores = generator.normal(size=(60, 3))
    scores[np.arange(60), LABELS] += skill
    rows = generator.permutation(60)
    table = pl.DataFrame(scores[rows], schema=CLASSES).insert_column(0, pl.Series("id", np.array(SAMPLES)[rows]))
    path = folder / "predictions" / dataset / f"{member}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.write_csv(path)


def zoo_of_files(folder: Path) -> Path:
    """Four members on two sets, and a file that only one of the sets has."""
    for dataset, difficulty in (("clean", 0), ("noise", 1)):
        (folder / "labels").mkdir(exist_ok=True, parents=True)
        labels = pl.DataFrame({"sample": SAMPLES, "label": [CLASSES[label] for label in LABELS]})
        labels.write_csv(folder / "labels" / f"{dataset}.csv")
        for seed, member in enumerate("abcd"):
            write_predictions(folder, dataset, member, 2 - difficulty, seed)
    write_predictions(folder, "clean", "alone", 1, 9)
    study = {
        "name": "zoo",
        "datasets": {
            "kind": "predictions",
            "validation": [{"id": name, "labels": f"labels/{name}.csv"} for name in ("clean", "noise")],
        },
        "members": {"from": "predictions/{dataset}/*.csv"},
        "measures": ["disagreement", "attribution_similarity"],
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study | SHORT), encoding="utf-8")
    return path


def test_a_study_of_files_of_predictions(tmp_path: Path) -> None:
    study = zoo_of_files(tmp_path)
    good = (tmp_path / "predictions/noise/b.csv").read_text()
    (tmp_path / "predictions/noise/b.csv").write_text(good.replace("s07,", "s08,"))
    refused = snakemake(tmp_path, study=study)
    assert refused.returncode
    assert (
        "predictions/noise/b.csv, validation set noise) has 1 duplicate sample ids; the first is 's08'"
        in refused.stdout
    )
    assert "Skipped: predictions/{dataset}/alone.csv (no file for noise)" in refused.stdout
    (tmp_path / "predictions/noise/b.csv").write_text(good)
    result = snakemake(tmp_path, study=study)
    assert result.returncode == 0, result.stdout
    assert re.search(r"steps \(\d+%\) done\. .* left \((until|not before) \d\d:\d\d\)", result.stdout)
    results = tmp_path / "results" / "zoo"
    assert np.load(results / "labels/clean.npy").tolist() == LABELS.tolist()
    source = pl.read_csv(tmp_path / "predictions/clean/c.csv").sort("id").drop("id").to_numpy()
    np.testing.assert_allclose(np.load(results / "predictions/clean/c.npy"), source, rtol=1e-6)
    accuracies = pl.read_parquet(results / "accuracies/clean.parquet")
    assert accuracies.row(by_predicate=pl.col("member") == "c", named=True)["accuracy"] == pytest.approx(
        100 * (source.argmax(1) == LABELS).mean()
    )
    assert len(pl.read_parquet(results / "ensembles/noise.parquet").filter(consensus="vote")) == 11
    assert not (results / "pairwise/clean/attribution_similarity.parquet").exists()
    report = (results / "report.html").read_text(encoding="utf-8")
    for said in ("left out: fewer than two members", "no file for noise", "ids in another order: realigned by id"):
        assert said in report
    assert not planned(tmp_path, study)
    for name, rule in [("labels/noise.csv", "labelled_samples"), ("predictions/noise/c.csv", "import_predictions")]:
        path = tmp_path / name
        with replaced(path, path.read_bytes() + b"\n"):
            assert rule in planned(tmp_path, study)


COMMAND = """
import pathlib, sys
import numpy as np
images = sorted(pathlib.Path(sys.argv[1]).iterdir())
np.save(sys.argv[2], np.random.default_rng(0).normal(size=(len(images), 10)))
"""


def mixed_zoo(folder: Path) -> Path:
    """One member of each kind that needs no training here, on the images of digits."""
    torch.manual_seed(0)
    save_file(timm.create_model("resnet10t", num_classes=10).state_dict(), folder / "resnet10t.safetensors")
    torch.save(torchvision.models.squeezenet1_1(num_classes=10).state_dict(), folder / "squeezenet.pth")
    saved(folder / "mean.onnx", ["n", 3, "h", "w"], [2, 3], np.eye(3, 10, dtype=np.float32))
    scores = np.random.default_rng(1).dirichlet(np.ones(10), 40)
    np.savez(folder / "given.npz", probabilities=scores)
    (folder / "program.py").write_text(COMMAND)
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in range(10)))
    study = {
        "name": "mixed",
        "datasets": {"kind": "digits", "image_size": 32, "validation": [{"id": "clean", "images": 40}]},
        "members": [
            {"from": "*.safetensors", "image_size": 32},
            {
                "id": "torch",
                "kind": "torchvision",
                "model": "squeezenet1_1",
                "weights": "squeezenet.pth",
                "image_size": 32,
            },
            {"id": "program", "kind": "command", "command": [sys.executable, "program.py", "{images}", "{output}"]}
            | {"format": "npy", "macs": 5, "classes": "classes.txt"},
            {"from": "*.onnx", "values": "logits"},
            {"id": "given", "kind": "predictions", "file": "given.npz"},
        ],
        "attributions": {"samples": 8},
        "activations": {"samples": 20},
        "measures": ["disagreement", "attribution_similarity"],
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study | SHORT), encoding="utf-8")
    return path


# What members without a network, and so without attributions, make different; the test above goes on to the report.
TABLES = [f"results/mixed/{name}.parquet" for name in ("members", "correlations", "effects", "verdicts")]
TABLES += [f"results/mixed/figures/{name}.png" for name in ("improvement_over_mean_average", "effects")]
TABLES += ["results/mixed/study.json", "results/mixed/pairwise/clean/attribution_similarity.parquet"]


def test_one_member_of_each_kind(tmp_path: Path) -> None:
    study = mixed_zoo(tmp_path)
    result = snakemake(tmp_path, *TABLES, study=study)
    assert result.returncode == 0, result.stdout
    results = tmp_path / "results" / "mixed"
    members = pl.read_parquet(results / "members.parquet")
    assert members["kind"].to_list() == ["timm", "torchvision", "command", "onnx", "predictions"]
    assert members["latency_ms"].is_null().to_list() == [False, False, True, False, True]
    assert members["macs"][2] == 5
    pairs = pl.read_parquet(results / "pairwise/clean/attribution_similarity.parquet")
    assert set(pairs["member_a"]) == {"resnet10t", "torch"}
    ensembles = pl.read_parquet(results / "ensembles/clean.parquet").filter(consensus="average")
    assert len(ensembles) == 26
    assert ensembles["attribution_similarity"].is_not_null().sum() == 1
    assert load_json(results / "predictions/clean/given.json")["values"] == "probabilities"
    partial = partial_table(load_json(results / "study.json"))
    assert partial
    assert [row[1] for row in partial.rows] == ["2 of 5 members: resnet10t, torch"]
    assert not planned(tmp_path, study, *TABLES)
    with replaced(tmp_path / "classes.txt", (tmp_path / "classes.txt").read_bytes() + b"\n"):
        assert "Predict all validation sets by program (command)" in planned(tmp_path, study, *TABLES)
    with ExitStack() as stack:
        for name in ("program.py", "mean.onnx", "squeezenet.pth", "given.npz"):
            stack.enter_context(replaced(tmp_path / name, (tmp_path / name).read_bytes() + b"\n"))
        said = planned(tmp_path, study, *TABLES)
    predicted = [f"Predict all validation sets by {member}" for member in ("program (command)", "mean (onnx)")]
    assert all(rule in said for rule in (*predicted, "import_weights", "import_predictions"))
