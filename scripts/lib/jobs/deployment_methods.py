"""Whether the programs are there that Snakemake's `--software-deployment-method` needs."""

import shutil
from collections.abc import Collection


def missing_program(methods: Collection[str]) -> str | None:
    """What to do about a program that a method ("conda", "apptainer") lacks, or None. Apptainer brings conda along."""
    if "apptainer" in methods:
        if not (shutil.which("apptainer") or shutil.which("singularity")):
            return (
                "`--software-deployment-method apptainer` needs Apptainer, and neither `apptainer` nor `singularity` "
                "was found. Install it (https://apptainer.org/docs/admin/latest/installation.html), or leave the "
                "option away: `make setup` installs the same packages into .venv."
            )
    elif "conda" in methods and not shutil.which("conda"):
        return (
            "`--use-conda` (`--software-deployment-method conda`) needs conda, and `conda` was not found. Install "
            "Miniforge (https://conda-forge.org/download) and open a new shell, or leave the option away: `make setup` "
            "installs the same packages into .venv."
        )
    return None
