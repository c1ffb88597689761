"""The versions of the software that made a result."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from scripts.lib.jobs.paths import ROOT

PACKAGES = ["torch", "torchvision", "timm", "captum", "lightly", "triton", "numpy", "polars", "snakemake"]


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the main packages, and this project's commit ("unknown" outside git)."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found | {"commit": _commit()}


def _commit() -> str:
    if given := os.environ.get("STUDY_COMMIT"):
        return given
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
