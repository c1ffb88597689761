"""Checks, before any job, the files that a study names and the folders that it is run in.

Needs only the standard library: the rules import this module.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.lib.jobs.errors import StudyError, shown
from scripts.lib.jobs.user_paths import REPLACED, fault_of_file, fault_of_path, location
from scripts.lib.members.files import named_by_member

MOST_FILES = 10


def named_files(study: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Key and path of every file that a resolved study names."""
    validation = study["datasets"]["validation"]
    for position, dataset in enumerate(validation):
        where = f"datasets/validation/{position} ({dataset['id']})"
        yield from _named(where, dataset, "labels", "samples")
    datasets = [dataset["id"] for dataset in validation]
    for position, member in enumerate(study["members"]):
        yield from (
            (f"members/{position} ({member['id']})/{key}", path) for key, path in named_by_member(member, datasets)
        )
    for position, supernet in enumerate(study["supernets"]):
        yield from _named(f"supernets/{position} ({supernet['id']})/base", supernet["base"], "weights")


def _named(where: str, section: Mapping[str, Any], *keys: str) -> Iterator[tuple[str, str]]:
    return ((f"{where}/{key}", location(section[key])) for key in keys if section.get(key) is not None)


def check_files(study: Mapping[str, Any]) -> None:
    """Raise StudyError, by key and path, for files that the study names but that do not exist or cannot be inputs."""
    known: dict[str, str] = {}
    faults = []
    for key, path in named_files(study):
        if path not in known:
            known[path] = fault_of_path(path) or fault_of_file(path)
        if known[path]:
            faults.append(f"{key}: {path} {known[path]}{_hint(key, path)}")
    if faults:
        more = [f"and {len(faults) - MOST_FILES} more"] if len(faults) > MOST_FILES else []
        listing = "\n".join(f"  - {fault}" for fault in [*faults[:MOST_FILES], *more])
        raise StudyError(
            f"files that the study names cannot be used:\n{listing}\nCorrect the paths, or put the files there. Paths "
            f"are relative to the folder in which snakemake runs, {os.getcwd()}."
        )


def _hint(key: str, path: str) -> str:
    """A hint if the value may be meant as the name of a library's own weights."""
    if not key.startswith("members") or not key.endswith("/weights") or "/" in path or Path(path).suffix:
        return ""
    return " (without `weights`, the library's own are used; torchvision's have names such as IMAGENET1K_V1)"


def check_folders(study: Mapping[str, Any], workflow: str) -> None:
    """Raise StudyError if a file has the name of a folder of results, or if the workflow's folder cannot be used."""
    for folder in ("results", f"results/{study['name']}", "logs", f"logs/{study['name']}"):
        if os.path.lexists(folder) and not os.path.isdir(folder):
            raise StudyError(
                f"{folder} in {os.getcwd()} is not a folder, but results or logs of the study are to be written below "
                "it: move it away, or run snakemake in another folder (--directory)."
            )
    if found := re.search(rf"[{{}}]|{REPLACED.pattern}", workflow):
        raise StudyError(
            f"the workflow is in {shown(workflow)}: in this path, Snakemake would replace the text that begins with "
            f"{found.group()!r}; move the workflow into a folder whose path has no such characters."
        )
