"""Jobs load no library that they do not need: a study has many jobs, and torchvision takes two seconds to import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.lib.study.resolve import ROOT

SCRIPTS = {path.stem: path for path in (ROOT / "scripts").glob("*.py") if path.name != "__init__.py"}
# Each takes a tenth of a second to several seconds.
HEAVY = {
    "captum",
    "jsonschema",
    "lightly",
    "matplotlib",
    "networkx",
    "nncf",
    "numba",
    "onnxruntime",
    "pandas",
    "pytorch_lightning",
    "scipy",
    "sklearn",
    "sympy",
    "timm",
    "torch",
    "torch._dynamo",  # torch's compiler
    "torchvision",
}
# What scripts load before they do anything, by what they load.
LOADED: dict[frozenset[str], set[str]] = {
    frozenset(): {
        "archive",
        "class_names",
        "corrupted_set",
        "deployment_summary",
        "fetch_images",
        "figure",
        "import_predictions",
        "labelled_samples",
        "predict",
        "provenance",
        "report",
        "study",
        "training_images",
        "validation_set",
    },
    frozenset({"torch"}): {
        "extract_subnet",
        "import_weights",
        "infer",
        "members",
        "pairwise",
        "pairwise_shard",
        "train",
        "train_classifier",
    },
    frozenset({"torch", "scipy"}): {"best_ensembles", "correlations", "deployment", "ensembles", "ensembles_shard"},
}
# These train by the code of other libraries, which load most of the list.
OTHERS = {"pretrain_backbone", "search_supernet", "train_supernet"}


def imports_of(script: Path) -> list[str]:
    """The import statements of a script."""
    body = ast.parse(script.read_text(encoding="utf-8")).body
    return [ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)]


def loaded_by(program: str) -> set[str]:
    """The heavy modules that a program has loaded when it ends."""
    asking = f"{program}\nimport sys\nprint(*sys.modules, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", asking], cwd=ROOT, capture_output=True, text=True, check=True)
    return HEAVY.intersection(run.stdout.splitlines())


def test_every_script_is_in_one_list() -> None:
    listed = [name for names in (*LOADED.values(), OTHERS) for name in names]
    assert sorted(listed) == sorted(SCRIPTS)


@pytest.mark.parametrize("allowed", LOADED, ids=lambda allowed: "+".join(sorted(allowed)) or "nothing")
def test_scripts_load_only_what_they_need(allowed: frozenset[str]) -> None:
    statements = {statement for name in LOADED[allowed] for statement in imports_of(SCRIPTS[name])}
    assert loaded_by("\n".join(sorted(statements))) <= allowed


INFERENCE = """
import numpy as np, torch
from scripts.lib.inference.attributions import attribute
from scripts.lib.inference.logits import logits_in_batches
from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.networks.architectures import build, to_device
architectures = [
    {"name": "resnext", "layers": [1, 1, 1, 1], "cardinality": 8, "block_width": 2, "dropout": 0.2},
    {"name": "resnet", "block": "basic", "layers": [1, 1, 1, 1], "stem": 64},
    {"name": "mnasnet", "depth_multiplier": 0.35, "dropout": 0.2, "batch_norm_momentum": 0.1},
    {"name": "squeezenet", "version": "1.1", "dropout": 0.5},
    {"name": "deit", "patch_size": 8, "embedding": 24, "heads": 3, "depth": 1},
]
images = np.zeros((2, 32, 32, 3), np.uint8)
validation = ValidationSet(images, np.zeros(2, np.int64), ["a", "b"])
settings = {"method": "InputXGradient", "target": "prediction", "samples": 2, "steps": 1}
for architecture in architectures:
    member = {"architecture": architecture, "image_size": 32, "transforms": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    network, cpu = build(member, 3), torch.device("cpu")
    to_device(network.model, cpu).eval()
    logits = torch.cat(list(logits_in_batches(network.model, member, images, cpu))).numpy()
    attribute(member, network, validation, logits, settings, cpu, "")
"""


def test_inference_with_the_networks_of_the_paper_needs_torch_only() -> None:
    assert loaded_by(INFERENCE) == {"torch"}


def test_a_library_that_is_loaded_would_be_found() -> None:
    assert loaded_by("import scripts.lib.networks.vision") >= {"torch", "torchvision", "timm", "torch._dynamo"}
