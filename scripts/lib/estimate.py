"""What a study costs before it starts: `python -m scripts.lib.estimate STUDY [--devices N]`.

A few steps of every backbone and member are measured on the device at hand, on random images, and multiplied up.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import yaml

from scripts.lib.datasets import ArrayImages, ImageSet
from scripts.lib.device import choose_device, device_name
from scripts.lib.dino import Pretraining
from scripts.lib.errors import StudyError
from scripts.lib.inference import BATCH
from scripts.lib.members import build, count_parameters, place
from scripts.lib.steps import Steps
from scripts.lib.study import resolve
from scripts.lib.training import make_optimizer, training_transforms

# Where the study does not say how many: all that there are.
TRAINING_IMAGES = {"imagenet": 1_281_167, "fashion-mnist": 60_000, "digits": 1198}
VALIDATION_IMAGES = {"imagenet": 50_000, "fashion-mnist": 10_000, "digits": 599}
ESTIMATED = ("supervised", "dino")
NOT_INCLUDED = (
    "Not included: reading pictures, waiting for a cluster, pairwise measures and ensembles (minutes on a CPU). "
    "Where loading keeps up, expect the truth within a factor of two of these numbers, on this device only."
)
TIMED_STEPS = 5
IMAGES_ON_CPU = 8  # a step of a few images tells the time of one image; a GPU needs its whole batch for that


@dataclass(frozen=True)
class Time:
    """Seconds of one piece of work: the median of what was measured, the fastest and the slowest."""

    middle: float
    low: float
    high: float

    def __mul__(self, factor: float) -> "Time":
        return Time(self.middle * factor, self.low * factor, self.high * factor)

    def __add__(self, other: "Time") -> "Time":
        return Time(self.middle + other.middle, self.low + other.low, self.high + other.high)

    def __str__(self) -> str:
        return f"{self.middle / 3600:9.2f} h ({self.low / 3600:.2f} to {self.high / 3600:.2f})"


NOTHING = Time(0, 0, 0)


def measure(step: Callable[[], Any], device: torch.device) -> Time:
    """Seconds of one call, after one that is not counted."""
    seconds = []
    for _ in range(1 + TIMED_STEPS):
        start = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return Time(statistics.median(seconds[1:]), min(seconds[1:]), max(seconds[1:]))


class Estimate:
    """The costs of a resolved study on one device."""

    def __init__(self, study: dict[str, Any], device: torch.device) -> None:
        self.study, self.device = study, device
        kind = study["datasets"]["kind"]
        self.training, self.validation = TRAINING_IMAGES.get(kind, 0), VALIDATION_IMAGES.get(kind, 0)
        self.classes = 10 if kind in ("fashion-mnist", "digits") else study["datasets"]["classes"] or 1000
        self.backbones = {backbone["id"]: backbone for backbone in study["backbones"]}

    def images(self, settings: dict[str, Any]) -> int:
        """Images that a training sees in all of its epochs."""
        return (settings["training_images"] or self.training) * settings["epochs"]

    def member(self, member: dict[str, Any]) -> dict[str, Any]:
        """A member with the architecture and image size of its backbone."""
        backbone = self.backbones.get(member.get("backbone", ""), {})
        return member | {key: backbone[key] for key in ("architecture", "image_size") if key in backbone}

    def supervised(self, member: dict[str, Any]) -> Time:
        """Training of a member, or of the classifier on its backbone."""
        complete = self.member(member)
        network = build(complete, self.classes)
        if member["kind"] == "dino":
            network.model.requires_grad_(False)
            network.model.get_submodule(network.head).requires_grad_(True)
        model = place(network.model, self.device)
        steps = Steps(model, make_optimizer(model, member["optimizer"]), self.study["training"], self.device)
        count = self.batch(member)
        images = torch.randn(count, 3, complete["image_size"], complete["image_size"], device=self.device)
        labels = torch.arange(count, device=self.device) % self.classes

        def step() -> None:
            steps.classify(images, labels, count)
            steps.finish()

        return measure(step, self.device) * (self.images(member) / count)

    def pretraining(self, backbone: dict[str, Any]) -> Time:
        """Training of a backbone."""
        count = self.batch(backbone)
        pixels = np.zeros((count, 32, 32, 3), np.uint8)
        empty = ImageSet(ArrayImages(pixels), np.zeros(count, np.int64), [str(row) for row in range(count)], ["a"])
        run = Pretraining(backbone | {"batch_size": count}, empty, 0, self.device, self.study["training"])
        views = backbone["views"]
        sizes = [backbone["image_size"]] * 2 + [views["local_size"]] * views["local_count"]
        batch = [torch.randn(count, 3, size, size) for size in sizes]
        return measure(lambda: run.step(0, 0, batch), self.device) * (self.images(backbone) / count)

    def inference(self, member: dict[str, Any]) -> Time:
        """Logits and attributions on all validation sets."""
        complete = self.member(member)
        model = place(build(complete, self.classes).model, self.device).eval()
        count = self.batch({"batch_size": BATCH})
        images = torch.randn(count, 3, complete["image_size"], complete["image_size"], device=self.device)
        with torch.inference_mode():
            forward = measure(lambda: model(images), self.device)
        settings = self.study["attributions"]
        passes = 3 * settings["samples"] * (settings["steps"] if settings["method"] == "IntegratedGradients" else 1)
        return forward * (sum(self.samples(passes)) / count)

    def samples(self, more: int = 0) -> list[int]:
        """Images of every validation set, and `more`."""
        found = {d["id"]: d["images"] or self.validation for d in self.study["datasets"]["validation"] if "of" not in d}
        return [found[d.get("of", d["id"])] + more for d in self.study["datasets"]["validation"]]

    def batch(self, settings: dict[str, Any]) -> int:
        count = min(settings["batch_size"], self.study["training"]["images_at_once"] or settings["batch_size"])
        return count if self.device.type == "cuda" else min(count, IMAGES_ON_CPU)

    def loading(self, member: dict[str, Any]) -> float:
        """Images that one process decodes and augments in a second, of pictures like ImageNet's."""
        pixels = np.random.default_rng(0).integers(0, 256, (1, 400, 500, 3), dtype=np.uint8)
        pictures, augment = ArrayImages(pixels), training_transforms(self.member(member))
        return 1 / measure(lambda: augment(pictures[0]), torch.device("cpu")).middle

    def megabytes(self, members: list[dict[str, Any]]) -> dict[str, float]:
        """Disk of the largest results."""
        size, samples = self.study["datasets"]["image_size"], sum(self.samples())
        weights = sum(count_parameters(build(self.member(member), self.classes).model) for member in members)
        maps = self.study["attributions"]["samples"] * len(self.samples())
        return {
            "images": samples * size**2 * 3 / 1e6,
            "predictions": len(members) * samples * self.classes * 4 / 1e6,
            "attributions": len(members) * maps * size**2 * 2 / 1e6,
            "checkpoints, with unfinished ones": 4 * weights * 4 / 1e6,
        }


def report(study: dict[str, Any], device: torch.device, devices: int) -> None:
    """Print one line a training, and then the sums."""
    estimate = Estimate(study, device)
    members = [member for member in study["members"] if member["kind"] in ESTIMATED]
    print(
        f"Measured on {device_name(device)}, {TIMED_STEPS} steps each. Hours of one device (fastest to slowest step):"
    )
    pretraining: dict[str, Time] = {}
    for backbone in study["backbones"]:
        pretraining[backbone["id"]] = _line(f"pretrain {backbone['id']}", estimate.pretraining(backbone))
    work, longest = sum(pretraining.values(), NOTHING), NOTHING
    for member in members:
        training = _line(f"train {member['id']}", estimate.supervised(member))
        inference = _line(f"infer {member['id']}", estimate.inference(member))
        chain = pretraining.get(member.get("backbone", ""), NOTHING) + training + inference
        longest = max(longest, chain, key=lambda time: time.middle)
        work += training + inference
    for member in study["members"]:
        if member["kind"] not in ESTIMATED:
            print(f"  {member['id']}: members of kind {member['kind']} are not estimated")
    _line("all together", work)
    wall = max(longest.middle, work.middle / devices) / 3600
    print(f"Wall time with {devices} devices, one a job: at least {wall:.2f} h.")
    rate = estimate.loading(members[0])
    print(
        f"Loading: one process augments {rate:.0f} images a second, decoding not counted (workers: {study['workers']})."
    )
    disk = estimate.megabytes(members)
    print("Disk: " + ", ".join(f"{name} {size / 1000:.2f} GB" for name, size in disk.items()))
    print(NOT_INCLUDED)


def _line(title: str, time: Time) -> Time:
    print(f"  {title:36}{time}", flush=True)
    return time


def main() -> int:
    """Print the estimate of a study file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="a study file")
    parser.add_argument("--devices", type=int, default=1, help="GPUs (or cores) that work side by side")
    arguments = parser.parse_args()
    try:
        with open(arguments.study, encoding="utf-8") as file:
            study = resolve(yaml.safe_load(file))
        report(study, choose_device(study["device"], study["threads"]), arguments.devices)
    except (OSError, yaml.YAMLError, StudyError) as error:
        print(f"Error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
