"""Where the logits of the members come from: new files of predictions, or images and the members' networks."""

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
from scripts.lib.predict.deployed import Deployed
from scripts.lib.reading.align_predictions import logits_of_file
from scripts.lib.reading.read_predictions import READERS, read_scores

PICTURES_AT_ONCE = 500


@dataclass(frozen=True)
class Source:
    """Logits float32 [N, C] of each member of a choice, in its order, and the ids of the samples."""

    samples: list[str]
    logits: list[np.ndarray]


def from_files(choice: Deployed, folder: str | Path, values: str = "auto") -> Source:
    """From one file of predictions per member in `folder`: `{member}.npy`, `.npz`, `.csv` or `.parquet`.

    Samples are matched by id, in the order of the first member's file; classes by name. `values` is "logits",
    "probabilities" or "auto". Raises StudyError for a member without a file or with two, for other classes than the
    study's, and for other samples than the first member's.
    """
    paths = [_file_of(member, Path(folder)) for member in choice.members]
    first = read_scores(paths[0])
    has_ids = bool(first.samples)
    samples = first.samples or [str(row) for row in range(len(first.values))]
    found = []
    for member, path in zip(choice.members, paths, strict=True):
        entry = {"id": member, "classes": None, "values": values}
        logits, details = logits_of_file(str(path), entry, "new", samples, choice.classes, None)
        other = read_scores(path)
        if len(other.values) != len(samples):
            raise StudyError(
                f"{path} has {len(other.values)} samples, {paths[0]} has {len(samples)}: all need the same."
            )
        if bool(other.samples) != has_ids:
            with_ids, without = (paths[0], path) if has_ids else (path, paths[0])
            raise StudyError(
                f"{with_ids} has ids of samples, but {without} has none: which rows belong together is not known. Give "
                "all files ids, or none."
            )
        for remark in (f"read as {details['values']}", *details["remarks"]):
            log.info("%s: %s", path, remark)
        found.append(logits)
    return Source(samples, found)


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
    content = load_json(folder / "study.json")
    datasets, entries = content["datasets"], {member["id"]: member for member in content["members"]}
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
