"""The trainings as jobs: from files and settings, in one process or in one for each GPU of the job."""

from typing import Any

import torch

from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.datasets.training_images import check_samples, training_images
from scripts.lib.datasets.validation_sets import ValidationSet, load_validation_set
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import require_undamaged
from scripts.lib.training.dino import pretrain
from scripts.lib.training.distributed import start
from scripts.lib.training.linear_classifier import train_classifier
from scripts.lib.training.loop import train

Files = dict[str, str]


def start_job(function: str, settings: dict[str, Any], snakemake: Any) -> None:
    """Run `function` of this module on the inputs, outputs and parameters of a rule of Snakemake."""
    params, given = snakemake.params, snakemake.input
    named = {key: str(given.get(key)) for key in INPUTS if given.get(key)}
    arguments = {
        "settings": settings,
        "datasets": params.datasets,
        "inputs": named,
        "outputs": dict(snakemake.output.items()) | {"resume": params.resume},
        "device": params.device,
        "threads": snakemake.threads,
        "workers": params.workers,
        "scale": params.training,
    }
    device = choose_device(params.device, snakemake.threads)
    start(f"{__name__}:{function}", arguments, device.type, processes(device, params.training["gpus"]))


OF_TRAINING = ("training_samples", "training_record")
OF_VALIDATION = ("images", "labels", "samples", "set_record")
INPUTS = (*OF_TRAINING, *OF_VALIDATION, "backbone_weights", "backbone_record")


def processes(device: torch.device, gpus: int) -> int:
    """One process a GPU. Raises StudyError if the job was given fewer GPUs than the study wants."""
    if device.type != "cuda":
        return 1
    if torch.cuda.device_count() < gpus:
        raise StudyError(f"training/gpus: {gpus} are wanted, but this job sees {torch.cuda.device_count()}.")
    return gpus


def train_member(settings: dict[str, Any], **job: Any) -> None:
    """Supervised training of one member."""
    images, rest = _opened(**job)
    train(settings, *images, **rest)


def pretrain_backbone(settings: dict[str, Any], **job: Any) -> None:
    """Training of one backbone without labels."""
    images, rest = _opened(**job)
    pretrain(settings, *images, **rest)


def train_linear_classifier(settings: dict[str, Any], **job: Any) -> None:
    """Training of the linear classifier of one member on its backbone."""
    images, rest = _opened(**job)
    weights, record = (job["inputs"][key] for key in ("backbone_weights", "backbone_record"))
    require_undamaged(record, weights=weights)
    train_classifier(settings, weights, record, *images, **rest)


def _opened(
    datasets: dict[str, Any],
    inputs: Files,
    outputs: Files,
    device: str,
    threads: int,
    workers: int,
    scale: dict[str, Any],
) -> tuple[tuple[ImageSet, ValidationSet], dict[str, Any]]:
    """The images of a training, and the arguments that all trainings have in common."""
    training = training_images(datasets)
    check_samples(training, inputs["training_samples"], inputs["training_record"])
    validation = load_validation_set(*(inputs[key] for key in OF_VALIDATION))
    chosen = choose_device(device, threads)
    return (training, validation), {"device": chosen, "workers": workers, "scale": scale, **outputs}
