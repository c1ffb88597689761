"""Runs one trained member on all validation sets, and keeps what is finished if the job is killed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from scripts.lib.datasets.validation_sets import load_validation_set
from scripts.lib.inference.infer import InferenceSettings, TrainedMember, infer
from scripts.lib.inference.predictions import scored_labels
from scripts.lib.jobs.checksums import recorded_checksums, require_undamaged
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.finished_parts import FinishedParts
from scripts.lib.jobs.storage import digest_of_file, load_json
from scripts.lib.networks.weights import load_trained


@dataclass(frozen=True)
class SetFiles:
    """The files of a stored validation set."""

    dataset: str
    images: str
    labels: str
    samples: str
    record: str
    classes: str


@dataclass(frozen=True)
class Inference:
    """What a job runs members on, what it records of them, and the digest of the code that does it."""

    sets: Sequence[SetFiles]
    settings: InferenceSettings
    device: torch.device
    code: str

    @classmethod
    def of_rule(cls, snakemake: Any) -> "Inference":
        """From what Snakemake gives to the script of a rule."""
        files, params = snakemake.input, snakemake.params
        kinds = (files.images, files.labels, files.samples, files.set_records, files.classes)
        stored = zip(params.datasets, *kinds, strict=True)
        return cls(
            [SetFiles(*paths) for paths in stored],
            InferenceSettings(params.attributions, params.activation_samples),
            choose_device(params.device, snakemake.threads),
            params.code,
        )

    def run(self, weights: str | Path, record: str | Path, output: Path, finished: FinishedParts) -> None:
        """Write what a member says of each set into `output`, a folder for each set, by way of `finished`.

        Raises StudyError if the weights, or the files of a set, are damaged.
        """
        require_undamaged(record, weights=weights)
        recorded = load_json(record)
        network = load_trained(recorded, weights, self.device)
        member = TrainedMember(recorded["member"], network, digest_of_file(weights))
        for files in self.sets:
            scored = scored_labels(load_json(files.classes))
            key = {
                "dataset": files.dataset,
                "set": recorded_checksums(files.record),
                "member": member.settings,
                "weights": member.weights_digest,
                "settings": asdict(self.settings),
                "scored": scored,
                "device": self.device.type,
                "code": self.code,
            }
            stored = load_validation_set(files.images, files.labels, files.samples, files.record)
            make = partial(infer, member, files.dataset, stored, self.settings, self.device, scored=scored)
            finished.provide(key, output / files.dataset, make)
        finished.remove_others()
