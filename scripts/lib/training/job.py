"""A training as a job: gets images and a device from files and settings, in one process or in one process per GPU."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

from scripts.lib.datasets.training_images import checked_training_images
from scripts.lib.datasets.validation_sets import load_validation_set
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import digest_of_file
from scripts.lib.training.distributed import start
from scripts.lib.training.inputs import Run, TrainingOutputs


@dataclass(frozen=True)
class TrainingJob:
    """One training as plain values that can be stored as JSON, so that they can be passed to one process per GPU.

    `settings` is the complete entry of a member or backbone, `datasets` determines the training images, `inputs` has
    the input files of the rule by name, and `scale` is the study's section `training`.
    """

    settings: dict[str, Any]
    datasets: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]
    device: str
    threads: int
    workers: int
    scale: dict[str, Any]

    @classmethod
    def of_rule(cls, settings: dict[str, Any], snakemake: Any) -> "TrainingJob":
        """The job of a rule that trains, from what Snakemake gives to its script."""
        params = snakemake.params
        inputs = {name: str(path) for name, path in snakemake.input.items()}
        outputs = dict(snakemake.output.items()) | {"resume": params.resume}
        threads = snakemake.threads
        return cls(settings, params.datasets, inputs, outputs, params.device, threads, params.workers, params.training)

    def run(self) -> Run:
        """The images and the device. Raises StudyError for images that changed or files that are damaged."""
        files = self.inputs
        training = checked_training_images(self.datasets, files["training_samples"], files["training_record"])
        validation = load_validation_set(files["images"], files["labels"], files["samples"], files["set_record"])
        device = choose_device(self.device, self.threads)
        digest, outputs = digest_of_file(files["training_record"]), TrainingOutputs(**self.outputs)
        return Run(training, validation, device, outputs, self.workers, self.scale, digest)


def start_training(train: Callable[..., None], job: TrainingJob) -> None:
    """Call `train` with the fields of `job` as keyword arguments, in this process or in one process per GPU."""
    device = choose_device(job.device, job.threads)
    start(train, asdict(job), device.type, processes(device, job.scale["gpus"]))


def processes(device: torch.device, gpus: int) -> int:
    """The number of processes, one per GPU. Raises StudyError if the job has fewer GPUs than the study asks for."""
    if device.type != "cuda":
        return 1
    if torch.cuda.device_count() < gpus:
        raise StudyError(f"training/gpus: the study asks for {gpus}, but this job sees {torch.cuda.device_count()}.")
    return gpus
