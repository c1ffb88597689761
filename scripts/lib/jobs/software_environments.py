"""Checks that the programs that Snakemake's `--software-deployment-method` needs are installed."""

import shutil
from collections.abc import Collection


def missing_program(methods: Collection[str]) -> str | None:
    """A message about a program that a method ("conda", "apptainer") needs and that is missing, or None.

    With "apptainer", conda is in the container image.
    """
    if "apptainer" in methods:
        if not (shutil.which("apptainer") or shutil.which("singularity")):
            return (
                "`--software-deployment-method apptainer` needs Apptainer, and neither `apptainer` nor `singularity` "
                "was found. Install it (https://apptainer.org/docs/admin/latest/installation.html), or omit the "
                "option: `make setup` installs the same packages into .venv."
            )
    elif "conda" in methods and not shutil.which("conda"):
        return (
            "`--use-conda` (`--software-deployment-method conda`) needs conda, and `conda` was not found. Install "
            "Miniforge (https://conda-forge.org/download) and open a new shell, or omit the option: `make setup` "
            "installs the same packages into .venv."
        )
    return None
