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
    "scipy.stats",  # more than half a second longer than scipy.special
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
        "archive_predictions",
        "class_names",
        "corrupted_set",
        "csv_tables",
        "deployment_summary",
        "fetch_images",
        "figure",
        "gather",
        "import_predictions",
        "labelled_samples",
        "predict",
        "provenance",
        "report",
        "study",
        "training_images",
        "validation_set",
    },
    frozenset({"scipy"}): {
        *("correlations", "effects", "effects_from_clean", "robustness", "variance_shares", "ways"),
    },
    frozenset({"torch"}): {
        *("best_ensembles", "calibration", "choices", "deployment", "ensembles", "ensembles_shard", "group_results"),
        *("held_out", "member_pairs", "pairwise", "pairwise_shard", "temperatures"),
    },
    frozenset({"torch", "scipy"}): {"verdicts"},
}
# These build networks with torchvision and timm, which load most of the list.
OTHERS = {
    "extract_subnet",
    "import_weights",
    "infer",
    "infer_groups",
    "members",
    "pretrain_backbone",
    "search_supernet",
    "train",
    "train_classifier",
    "train_group",
    "train_supernet",
}


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


def test_a_library_that_is_loaded_would_be_found() -> None:
    assert loaded_by("import scripts.lib.networks.vision") >= {"torch", "torchvision", "timm", "torch._dynamo"}
