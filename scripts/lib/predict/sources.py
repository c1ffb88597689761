"""Where the logits of the members come from: new files of predictions, or images and the members' networks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.lib.datasets.image_folders import list_pictures
from scripts.lib.datasets.image_set import centre, each_decoded
from scripts.lib.datasets.pictures import ImageFiles
from scripts.lib.inference.logits import logits_in_batches
from scripts.lib.inference.predictions import require_finite_logits
from scripts.lib.jobs.checksums import require_undamaged
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log
from scripts.lib.jobs.storage import load_json
from scripts.lib.members.files import record_of_training
from scripts.lib.networks.architectures import Network
from scripts.lib.networks.weights import load_trained
from scripts.lib.predict.deployed import Deployed, FileFormat
from scripts.lib.predict.json_files import read_object
from scripts.lib.reading.align_predictions import WITHOUT_IDS, logits_of_scores
from scripts.lib.reading.class_columns import numbers_in
from scripts.lib.reading.probabilities import Reading
from scripts.lib.reading.read_predictions import READERS, Scores, read_scores

PICTURES_AT_ONCE = 500


@dataclass(frozen=True)
class Source:
    """Logits float32 [N, C] of each member of a choice, in its order, and the ids of the samples."""

    samples: list[str]
    logits: list[np.ndarray]


def from_files(choice: Deployed, folder: str | Path, values: str | None = None) -> Source:
    """From one file of predictions per member in `folder`: `{member}.npy`, `.npz`, `.csv` or `.parquet`.

    Samples are matched by id, in the order of the first member's file; classes by name. What deployment.json says of a
    member's files counts for columns without names; `values` ("logits", "probabilities" or "auto") counts instead of
    what it says of values. Raises StudyError for a member without a file or with two, for other classes than the
    study's, and for other samples than the first member's.
    """
    paths = [_file_of(member, Path(folder)) for member in choice.members]
    first = read_scores(paths[0])
    samples = first.samples or [str(row) for row in range(len(first.values))]
    found = []
    for member, path in zip(choice.members, paths, strict=True):
        scores = first if path == paths[0] else read_scores(path)
        _require_samples(scores, path, first, paths[0])
        known = FileFormat("logits") if _is_recorded(path) else choice.files.get(member, FileFormat())
        reading = _reading(known, scores, f"{path} (member {member})", values)
        logits, details = logits_of_scores(scores, reading, samples, choice.classes)
        if len(scores.values) != len(samples):
            raise StudyError(
                f"{path} has {len(scores.values)} samples, {paths[0]} has {len(samples)}: all need the same."
            )
        for remark in (f"read as {details['values']}", *details["remarks"]):
            if remark != WITHOUT_IDS:
                log.info("%s: %s", path, remark)
        found.append(logits)
    return Source(samples, found)


def _is_recorded(path: Path) -> bool:
    """Whether the workflow wrote this file, `predictions/{dataset}/{member}.npy`: logits in the study's order."""
    try:
        content = json.loads(path.with_suffix(".json").read_bytes())
    except (OSError, ValueError):
        return False
    return path.suffix == ".npy" and isinstance(content, dict) and {"checksums", "sample_count"} <= content.keys()


def _reading(known: FileFormat, scores: Scores, where: str, values: str | None) -> Reading:
    # Columns that have names need no others. Numbers may be positions, so `order_of` compares them with the names.
    named = scores.classes is not None and numbers_in(scores.classes) is None
    classes = None if named else known.classes
    return Reading(where, values or known.values, classes, remedy="set VALUES=logits (--values logits)")


def _require_samples(scores: Scores, path: Path, first: Scores, first_path: Path) -> None:
    """Raise StudyError for a file that lacks samples of the first member's file, or of which that is not known."""
    if bool(scores.samples) != bool(first.samples):
        with_ids, without = (first_path, path) if first.samples else (path, first_path)
        raise StudyError(
            f"{with_ids} has ids of samples, but {without} has none: which rows belong together is not known. Give all "
            "files ids, or none."
        )
    if not scores.samples or not first.samples:
        if len(scores.values) != len(first.values):
            raise StudyError(
                f"{path} has {len(scores.values)} rows, {first_path} has {len(first.values)}: all need the same."
            )
        return
    own = set(scores.samples)
    if missing := [sample for sample in first.samples if sample not in own]:
        raise StudyError(
            f"{path} has no rows for {len(missing)} of the {len(first.samples)} samples of {first_path}; the first is "
            f"{missing[0]!r}. All files need the same samples."
        )


def _file_of(member: str, folder: Path) -> Path:
    if not folder.is_dir():
        raise StudyError(f"{folder} is not a folder: it must have a file of predictions for each member.")
    found = [path for path in (folder / f"{member}{suffix}" for suffix in READERS) if path.is_file()]
    if len(found) != 1:
        what = "no file" if not found else f"{len(found)} files"
        names = ", ".join(f"{member}{suffix}" for suffix in READERS)
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
        raise StudyError(f"{folder} has {what} of the member {member}; expected one of {names}. It has {there}.")
    return found[0]


@dataclass(frozen=True)
class Networks:
    """The networks of a choice's members, their settings, and how images are stored (`resize`, `size`, `upright`)."""

    networks: list[Network]
    settings: list[dict[str, Any]]
    resize: int
    size: int
    upright: bool


def load_networks(choice: Deployed, study: str | Path, device: torch.device) -> Networks:
    """From the results of a study, the folder `study`.

    Raises StudyError for a member whose network is not known, for damaged weights and for a folder that is none.
    """
    folder, networks, settings = Path(study), [], []
    datasets, entries = _datasets_and_members(folder / "study.json")
    for member in choice.members:
        record = record_of_training(folder, entries.get(member, {"id": member}))
        weights = record.with_name(f"{member}.safetensors")
        if not record.is_file():
            raise StudyError(
                f"the network of the member {member} is not known: {record} does not exist. Members that are files of "
                "predictions, programs or ONNX files have none; give files of predictions of all members instead."
            )
        require_undamaged(record, weights=weights)
        content = load_json(record)
        if tuple(content["classes"]) != choice.classes:
            raise StudyError(f"{record} has other classes than deployment.json: they are not of the same study.")
        networks.append(load_trained(content, weights, device))
        settings.append(content["member"])
    size = datasets["image_size"]
    return Networks(networks, settings, datasets["resize"] or size, size, datasets["kind"] != "imagenet")


def _datasets_and_members(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The section `datasets` of a study.json, and its members by id."""
    remedy = "name the folder of the study's results, STUDY=results/STUDY (--study)"
    if not path.is_file():
        raise StudyError(f"{path} does not exist: images and ONNX need more than deployment.json; {remedy}.")
    content = read_object(path, "study.json", remedy)
    datasets, members = content.get("datasets"), content.get("members")
    if (
        not isinstance(datasets, dict)
        or not {"kind", "image_size", "resize"} <= datasets.keys()
        or not isinstance(members, list)
        or not all(isinstance(member, dict) and isinstance(member.get("id"), str) for member in members)
    ):
        raise StudyError(f"{path} is not a study.json of this workflow: {remedy}.")
    return datasets, {member["id"]: member for member in members}


def from_images(known: Networks, members: Sequence[str], images: str | Path, device: torch.device) -> Source:
    """From all pictures below the folder `images`, prepared as the study's validation sets were.

    Raises StudyError for a folder without pictures, and for a picture that cannot be decoded.
    """
    root = Path(images).resolve()
    if not root.is_dir():
        raise StudyError(f"{images} is not a folder of pictures.")
    paths = list_pictures(root.parent, [root.name])[0]
    if not paths:
        raise StudyError(f"{images} has no pictures.")
    samples = [Path(path).relative_to(root).as_posix() for path in paths]
    parts: list[list[np.ndarray]] = [[] for _ in members]
    for start in range(0, len(paths), PICTURES_AT_ONCE):
        pixels = stored(known, paths[start : start + PICTURES_AT_ONCE])
        for own, logits in zip(parts, logits_of(known, pixels, device), strict=True):
            own.append(logits)
    found = [np.concatenate(own) for own in parts]
    for member, logits in zip(members, found, strict=True):
        require_finite_logits(logits, member, str(images), samples)
    return Source(samples, found)


def logits_of(known: Networks, pixels: np.ndarray, device: torch.device) -> list[np.ndarray]:
    """Logits float32 [N, C] of each network, of stored pictures uint8 [N, S, S, 3]."""
    pairs = zip(known.networks, known.settings, strict=True)
    return [torch.cat(list(logits_in_batches(one.model, entry, pixels, device))).numpy() for one, entry in pairs]


def stored(known: Networks, paths: Sequence[str]) -> np.ndarray:
    """The pictures as a validation set stores them, uint8 [N, S, S, 3]."""
    pictures = ImageFiles(list(paths), known.upright)
    return np.stack(list(each_decoded(pictures, "read", lambda image: centre(image, known.resize, known.size))))
