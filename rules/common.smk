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
DATASETS = [dataset["id"] for dataset in STUDY["datasets"]["validation"]]
CORRUPTED = [dataset["id"] for dataset in STUDY["datasets"]["validation"] if "of" in dataset]
MEASURES = STUDY["measures"]
CONSENSUS = STUDY["ensembles"]["consensus"]
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
        place = Path(workflow.basedir, "kernels" if module == "kernels" else f"scripts/lib/{module}")
        files = sorted(place.rglob("*.*")) if place.is_dir() else [place.with_suffix(".py")]
        for file in files:
            if file.suffix in (".py", ".jinja"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
