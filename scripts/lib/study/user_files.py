"""The files that a study names, and the folders that it is run in: looked at before any job.

Needs only the standard library: the rules import this module.
"""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.lib.jobs.errors import StudyError
from scripts.lib.study.plain_values import shown

DATASET = "{dataset}"
# What Snakemake replaces in every input file; there is no way to write these characters themselves.
REPLACED = re.compile(r"\{\s*[.\w]+\s*(?:,[^{}]*(?:\{\d+(?:,\d+)?\}[^{}]*)*)?\}|<[a-z][a-z0-9_]*>")
# A name of torchvision's own weights, such as IMAGENET1K_V1.
OWN_WEIGHTS = re.compile(r"[A-Z0-9_]+")
MOST_FILES = 10


def location(path: str) -> str:
    """A path of the study as it is opened: the home folder for `~`, no `./` and no double slashes."""
    return str(Path(os.path.expanduser(path)))


def fault_of_file(path: str) -> str:
    """Why no file can be read at this path, or nothing."""
    place = location(path)
    try:
        mode = os.stat(place).st_mode
    except ValueError:  # a NUL
        return "does not exist"
    except OSError as error:
        return _fault_of_missing(place, error)
    if stat.S_ISREG(mode):
        return "" if os.access(place, os.R_OK) else "may not be read (its permissions do not allow it)"
    names = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return f"is a {names.get(stat.S_IFMT(mode), 'device')}, not a file"


def _fault_of_missing(place: str, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "is a link that leads back to itself"
    if os.path.islink(place):
        return f"is a link to {os.readlink(place)}, which does not exist"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "does not exist"
    return f"cannot be looked at ({error.strerror})"


def fault_of_path(path: str) -> str:
    """Why Snakemake cannot have this path as an input, or nothing."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "has a name that is not UTF-8; rename it"
    found = REPLACED.search(path)
    return f"has {found.group()} in its path, which Snakemake would replace; rename the file or folder" if found else ""


def weights_file(member: Mapping[str, Any]) -> str | None:
    """The file with the weights of a member of kind timm or torchvision; None where these are the library's own.

    `weights` is always a file, but for names of torchvision's own weights where no such file exists.
    """
    weights = member.get("weights")
    if weights is None:
        return None
    name = member["kind"] == "torchvision" and OWN_WEIGHTS.fullmatch(weights)
    return None if name and not os.path.isfile(weights) else location(weights)


def predictions_file(member: Mapping[str, Any], dataset: str) -> str:
    """The file with the predictions of a member of kind predictions on a validation set."""
    file = member["file"]
    return location(file[dataset] if isinstance(file, dict) else file.replace(DATASET, dataset))


def named_files(study: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Key and path of every file that a resolved study names."""
    validation = study["datasets"]["validation"]
    for position, dataset in enumerate(validation):
        where = f"datasets/validation/{position} ({dataset['id']})"
        yield from _named(where, dataset, "labels", "samples")
    datasets = [dataset["id"] for dataset in validation]
    for position, member in enumerate(study["members"]):
        yield from _named_by_member(f"members/{position} ({member['id']})", member, datasets)
    for position, supernet in enumerate(study["supernets"]):
        yield from _named(f"supernets/{position} ({supernet['id']})/base", supernet["base"], "weights")


def _named_by_member(where: str, member: Mapping[str, Any], datasets: Iterable[str]) -> Iterator[tuple[str, str]]:
    if member["kind"] == "predictions":
        yield from ((f"{where}/file", predictions_file(member, dataset)) for dataset in datasets)
        if member["samples"] is not None:
            yield from ((f"{where}/samples", location(member["samples"].replace(DATASET, d))) for d in datasets)
    elif member["kind"] == "onnx":
        yield from _named(where, member, "file")
    elif (weights := weights_file(member)) is not None:
        yield f"{where}/weights", weights
    if isinstance(member.get("classes"), str):
        yield from _named(where, member, "classes")


def _named(where: str, section: Mapping[str, Any], *keys: str) -> Iterator[tuple[str, str]]:
    return ((f"{where}/{key}", location(section[key])) for key in keys if section.get(key) is not None)


def check_files(study: Mapping[str, Any]) -> None:
    """Raise StudyError, by key and path, for files that the study names and that are not there or cannot be inputs."""
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
    """For what may be meant as the name of a library's own weights."""
    if not key.startswith("members") or not key.endswith("/weights") or "/" in path or Path(path).suffix:
        return ""
    return " (without `weights` the library's own are taken; torchvision's have names such as IMAGENET1K_V1)"


def check_folders(study: Mapping[str, Any], workflow: str) -> None:
    """Raise StudyError where a file lies in the place of a folder of results, or the workflow's folder is unusable."""
    for folder in ("results", f"results/{study['name']}", "logs", f"logs/{study['name']}"):
        if os.path.lexists(folder) and not os.path.isdir(folder):
            raise StudyError(
                f"{folder} in {os.getcwd()} is not a folder, but results or logs of the study shall be written below "
                "it: move it away, or run snakemake in another folder (--directory)."
            )
    if found := re.search(rf"[{{}}]|{REPLACED.pattern}", workflow):
        raise StudyError(
            f"the workflow lies in {shown(workflow)}: Snakemake would replace what {found.group()!r} in this path "
            "begins; move the workflow into a folder whose path has no such characters."
        )
