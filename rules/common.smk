# From the study file to wildcards, and what several stages share.
import hashlib
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from scripts.lib.errors import StudyError
from scripts.lib.study import resolve

try:
    STUDY = resolve(config)
except StudyError as error:
    raise WorkflowError(str(error)) from None

MEMBERS = [member["id"] for member in STUDY["members"]]
SUPERVISED = [member["id"] for member in STUDY["members"] if member["kind"] == "supervised"]
DATASETS = [dataset["id"] for dataset in STUDY["datasets"]["validation"]]
CORRUPTED = [dataset["id"] for dataset in STUDY["datasets"]["validation"] if "of" in dataset]
MEASURES = STUDY["measures"]
CONSENSUS = STUDY["ensembles"]["consensus"]
# What decides which training images there are.
TRAINING = {key: STUDY["datasets"][key] for key in ("kind", "folder", "training")}
IMPROVEMENTS = ["over_mean", "over_best"] + (["over_baseline"] if STUDY["baseline"] else [])


def one_of(names):
    """A wildcard constraint: exactly these names."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


wildcard_constraints:
    study=re.escape(STUDY["name"]),
    member=one_of(MEMBERS),
    dataset=one_of(DATASETS),
    measure=one_of(MEASURES),


def member_settings(wildcards):
    """The resolved study's entry of a member."""
    return STUDY["members"][MEMBERS.index(wildcards.member)]


def dataset_settings(wildcards):
    """The resolved study's entry of a validation set."""
    return STUDY["datasets"]["validation"][DATASETS.index(wildcards.dataset)]


def code(*modules):
    """A digest of library modules (files or folders of scripts/lib, or "kernels").

    Snakemake notices when a script changes, but not when a module that it imports does; this parameter tells it.
    """
    digest = hashlib.sha256()
    for module in modules:
        place = Path(
            workflow.basedir, "kernels" if module == "kernels" else f"scripts/lib/{module}"
        )
        files = sorted(place.rglob("*.*")) if place.is_dir() else [place.with_suffix(".py")]
        for file in files:
            if file.suffix in (".py", ".jinja"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


FASHION_MNIST = expand(
    "data/fashion-mnist/{split}-{content}-ubyte.gz",
    split=["train", "t10k"],
    content=["images-idx3", "labels-idx1"],
)

# What each measure compares: a folder of what `infer` recorded.
RECORDED = {
    "disagreement": "predictions",
    "js_divergence": "predictions",
    "attribution_similarity": "attributions",
    "activation_similarity": "activations",
}


def raw_images(wildcards):
    """What must be there before images of the study can be read."""
    return FASHION_MNIST if STUDY["datasets"]["kind"] == "fashion-mnist" else []


def original_set(wildcards):
    """The files of the validation set that is corrupted."""
    original = dataset_settings(wildcards)["of"]
    return {
        kind: f"results/{wildcards.study}/{kind}/{original}.{suffix}"
        for kind, suffix in [("images", "npy"), ("labels", "npy"), ("samples", "txt")]
    }


def recorded(wildcards):
    """The recorded arrays of all members that the measure compares."""
    folder = RECORDED[wildcards.measure]
    return expand(
        "results/{study}/{folder}/{dataset}/{member}.npy",
        study=wildcards.study,
        folder=folder,
        dataset=wildcards.dataset,
        member=MEMBERS,
    )
