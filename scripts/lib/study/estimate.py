"""Estimate of what a study will cost: `python -m scripts.lib.study.estimate STUDY [--devices N]`.

A few steps of every backbone, super-network and member are timed on this machine's device, on random images, and
extrapolated.
"""

import argparse
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from scripts.lib.datasets.image_set import ArrayImages, ImageSet
from scripts.lib.datasets.spec import kind_of as kind_of_datasets
from scripts.lib.inference.attribution_methods.spec import ATTRIBUTION_METHODS
from scripts.lib.inference.logits import BATCH
from scripts.lib.jobs.amounts import disk, duration
from scripts.lib.jobs.device import choose_device, device_name
from scripts.lib.jobs.errors import StudyError, shown
from scripts.lib.members.external_weights import completed, source_of
from scripts.lib.members.scale import scale_of
from scripts.lib.members.spec import kind_of
from scripts.lib.networks.architectures import build, to_device
from scripts.lib.networks.cost import count_parameters
from scripts.lib.study.contents import Contents, contents_of, image_counts
from scripts.lib.study.estimate_groups import Alike, StepOfGroup, alike_groups
from scripts.lib.study.estimate_tables import UNCERTAINTY, seconds_of_tables
from scripts.lib.study.file import read_study
from scripts.lib.study.resolve import resolve
from scripts.lib.supernets.batch_norm import adaptation_samples
from scripts.lib.training.augmentation import Augmentation
from scripts.lib.training.dino import Pretraining
from scripts.lib.training.optimizers import make_optimizer
from scripts.lib.training.steps import Steps

NOT_INCLUDED = (
    "Sub-networks and steps of a super-network count as the whole network: an upper bound, without NNCF's own work. "
    "Not included: reading pictures, waiting for a cluster, pairwise measures and ensembles (minutes on a CPU). "
    "Where loading keeps up, the numbers are accurate to about a factor of two, for this device only."
)
TIMED_STEPS = 5
# On a CPU, a step is timed with fewer images than a batch if these are large: with eight of 224 × 224 pixels.
PIXELS_ON_CPU = 8 * 224**2


@dataclass(frozen=True)
class Time:
    """Seconds of one piece of work: the median, the fastest and the slowest measurement."""

    middle: float
    low: float
    high: float

    def __mul__(self, factor: float) -> "Time":
        return Time(self.middle * factor, self.low * factor, self.high * factor)

    def __add__(self, other: "Time") -> "Time":
        return Time(self.middle + other.middle, self.low + other.low, self.high + other.high)

    def __str__(self) -> str:
        return f"{duration(self.middle):>12} ({duration(self.low)} to {duration(self.high)})"


NOTHING = Time(0, 0, 0)


def measure(step: Callable[[], Any], device: torch.device) -> Time:
    """Seconds per call, after one warm-up call that is not counted."""
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

    def __init__(self, study: dict[str, Any], device: torch.device, contents: Contents | None = None) -> None:
        self.study, self.device = study, device
        kind = kind_of_datasets(study["datasets"])
        # If the study does not say how many images: all of them, if their number is known.
        self.training = kind.size.training if kind.size.exact else 0
        self.classes = (study["datasets"]["classes"] if kind.folders else None) or kind.size.classes
        self.samples = contents.samples if contents else image_counts(study["datasets"])
        if contents and contents.classes:
            self.classes = len(contents.classes)
        self.sources = {source["id"]: source for source in [*study["backbones"], *study["supernets"]]}

    def images(self, settings: dict[str, Any]) -> int:
        """Number of images that a training processes in all epochs."""
        return (settings["training_images"] or self.training) * settings["epochs"]

    def member(self, member: dict[str, Any]) -> dict[str, Any]:
        """The member with the architecture and image size of its backbone or super-network."""
        if "kind" in member and kind_of(member).origin == "weights":
            library = source_of(member, pretrained=False, where=f"members/{member['id']}")
            return completed(member, library, self.study["datasets"])
        source = self.sources.get(made_from(member), {})
        return member | {key: source[key] for key in ("architecture", "image_size") if key in source}

    def supervised(self, member: dict[str, Any]) -> Time:
        """Training of a member, or of the classifier on its backbone."""
        complete = self.member(member)
        network = build(complete, self.classes)
        if "backbone" in member:
            network.model.requires_grad_(False)
            network.model.get_submodule(network.head).requires_grad_(True)
        model = to_device(network.model, self.device)
        scale = scale_of(member, self.study["training"])
        steps = Steps(model, make_optimizer(model, member["optimizer"]), scale, self.device)
        size = complete["image_size"]
        count = self.batch(complete["batch_size"], size)
        images = torch.randn(count, 3, size, size, device=self.device)
        labels = torch.arange(count, device=self.device) % self.classes

        def step() -> None:
            steps.classify(images, labels, count)
            steps.finish()

        return measure(step, self.device) * (self.images(member) / count)

    def group(self, alike: Alike) -> Time:
        """Training of the members of one group together."""
        entry = dict(alike.entry)
        count = self.batch(entry["batch_size"], max(member["image_size"] for member in alike.members))
        step = StepOfGroup(alike, count, self.classes, self.study["training"], self.device)
        return measure(step, self.device) * (self.images(entry) / count)

    def pretraining(self, backbone: dict[str, Any]) -> Time:
        """Training of a backbone."""
        count = self.batch(backbone["batch_size"], backbone["image_size"])
        pixels = np.zeros((count, 32, 32, 3), np.uint8)
        empty = ImageSet(ArrayImages(pixels), np.zeros(count, np.int64), [str(row) for row in range(count)], ["a"])
        run = Pretraining(backbone | {"batch_size": count}, empty, 0, self.device, self.study["training"])
        views = backbone["views"]
        sizes = [backbone["image_size"]] * 2 + [views["local_size"]] * views["local_count"]
        batch = [torch.randn(count, 3, size, size) for size in sizes]
        return measure(lambda: run.step(0, 0, batch), self.device) * (self.images(backbone) / count)

    def shrinking(self, supernet: dict[str, Any]) -> Time:
        """Training of a super-network; the smallest and the largest sub-network are evaluated after every epoch."""
        stages = supernet["bootstrapNAS"]["training"]["schedule"]["list_stage_descriptions"]
        epochs = sum(stage.get("epochs", 1) for stage in stages)
        plain = supernet | {"epochs": epochs, "precision": "float32"}  # NNCF's super-networks are trained in float32
        plain["optimizer"] = {"name": "SGD", "lr": 0.01, **supernet["optimizer"]}
        return self.supervised(plain) + self.forward(supernet) * (2 * epochs * scored_images(supernet))

    def search(self, supernet: dict[str, Any]) -> Time:
        """Search of a super-network."""
        count = supernet["bootstrapNAS"]["search"]["num_evals"]
        return self.forward(supernet) * (count * scored_images(supernet))

    def inference(self, member: dict[str, Any]) -> Time:
        """Logits and attributions on all validation sets."""
        settings = self.study["attributions"]
        passes = ATTRIBUTION_METHODS[settings["method"]].passes(settings["steps"])
        # A forward and a backward pass cost about three forward passes.
        more = 3 * passes * settings["samples"] * len(self.samples)
        return self.forward(self.member(member)) * (sum(self.samples.values()) + more)

    def forward(self, network: dict[str, Any]) -> Time:
        """Logits of one image."""
        model = to_device(build(network, self.classes).model, self.device).eval()
        count = self.batch(BATCH, network["image_size"])
        images = torch.randn(count, 3, network["image_size"], network["image_size"], device=self.device)
        with torch.inference_mode():
            return measure(lambda: model(images), self.device) * (1 / count)

    def batch(self, batch_size: int, image_size: int) -> int:
        """Number of images of a timed step."""
        count = min(batch_size, self.study["training"]["images_at_once"] or batch_size)
        return count if self.device.type == "cuda" else min(count, max(2, PIXELS_ON_CPU // image_size**2))

    def loading(self, member: dict[str, Any]) -> float:
        """Images that one process decodes and augments in a second, of pictures like ImageNet's."""
        pixels = np.random.default_rng(0).integers(0, 256, (1, 400, 500, 3), dtype=np.uint8)
        pictures, augmentation = ArrayImages(pixels), Augmentation(self.member(member))
        return 1 / measure(lambda: augmentation.batch([pictures[0]]), torch.device("cpu")).middle

    def megabytes(self, members: list[dict[str, Any]]) -> dict[str, float]:
        """Disk of the largest results."""
        size, samples = self.study["datasets"]["image_size"], sum(self.samples.values())
        has_images = kind_of_datasets(self.study["datasets"]).has_images
        networks = [self.member(member) for member in members if kind_of(member).has_network]
        weights = sum(count_parameters(build(network, self.classes).model) for network in networks)
        maps = self.study["attributions"]["samples"] * len(self.samples)
        return {
            "images": has_images * samples * size**2 * 3 / 1e6,
            "predictions": len(members) * samples * self.classes * 4 / 1e6,
            "attributions": len(networks) * maps * size**2 * 2 / 1e6,
            "checkpoints, with unfinished ones": 4 * weights * 4 / 1e6,
        }


def made_from(member: dict[str, Any]) -> str:
    """The backbone or super-network that a member is made from; empty if there is none."""
    return str(member.get("backbone") or member.get("supernet") or "")


def scored_images(supernet: dict[str, Any]) -> int:
    """Number of images needed to evaluate a sub-network: those for its batch norm and those that it is compared on."""
    return adaptation_samples(supernet) + supernet["evaluation_images"]


def report(study: dict[str, Any], device: torch.device, devices: int) -> None:
    """Print one line per training, and then the sums."""
    has_images = kind_of_datasets(study["datasets"]).has_images
    contents = None if has_images else contents_of(study)
    estimate = Estimate(study, device, contents)
    together = {member for group in study["groups"] for member in group["members"]}
    members = [m for m in study["members"] if kind_of(m).has_network and m["id"] not in together]
    print(f"Measured on {device_name(device)}, {TIMED_STEPS} steps each. Time of one device (fastest to slowest step):")
    # Each job begins when the job that it depends on has ended.
    before = {
        source["id"]: _line(f"pretrain {source['id']}", estimate.pretraining(source)) for source in study["backbones"]
    }
    work = sum(before.values(), NOTHING)
    trained = {m["id"]: _line(f"train {m['id']}", estimate.supervised(m)) for m in members if "epochs" in m}
    for supernet in study["supernets"]:
        shrinking = _line(f"train super-network {supernet['id']}", estimate.shrinking(supernet))
        if "search" in supernet["bootstrapNAS"]:
            shrinking += _line(f"search {supernet['id']}", estimate.search(supernet))
        before[supernet["id"]] = trained.get(supernet["base"].get("member", ""), NOTHING) + shrinking
        work += shrinking
    longest = NOTHING
    for member in members:
        training = trained.get(member["id"], NOTHING)
        inference = _line(f"infer {member['id']}", estimate.inference(member))
        chain = before.get(made_from(member), NOTHING) + training + inference
        longest = max(longest, chain, key=lambda time: time.middle)
        work += training + inference
    for alike in alike_groups(study):
        chain, of_all = _groups(estimate, alike)
        longest = max(longest, chain, key=lambda time: time.middle)
        work += of_all
    if others := len(study["members"]) - len(members) - len(together):
        print(
            f"  {others} members of other kinds: files of predictions take moments, ONNX files and programs are unknown"
        )
    if contents:
        seconds = seconds_of_tables(study, contents)
        work += _line("tables, figures and report", Time(seconds, seconds / UNCERTAINTY, seconds * UNCERTAINTY))
    _line("all together", work)
    wall = duration(max(longest.middle, work.middle / devices))
    print(f"Wall time with {devices} devices, one per job: at least {wall}.")
    if trained or together:
        rate = estimate.loading(next(member for member in study["members"] if "epochs" in member))
        print(f"Loading: one process augments {rate:.0f} images per second, without decoding.")
    sizes = estimate.megabytes(study["members"])
    print("Disk: " + ", ".join(f"{name} {disk(size)}" for name, size in sizes.items() if size))
    if has_images:
        print(NOT_INCLUDED)


def _groups(estimate: Estimate, alike: Alike) -> tuple[Time, Time]:
    """Training and inference of one of some groups that cost the same, and of all of them."""
    count = len(alike.groups)
    training = estimate.group(alike)
    networks = {str(member["architecture"]): estimate.inference(member) for member in alike.members}
    inference = sum((networks[str(member["architecture"])] for member in alike.members), NOTHING)
    _line(f"train {alike.title} ({count} groups of {len(alike.members)})", training * count)
    _line(f"infer {alike.title}", inference * count)
    return training + inference, (training + inference) * count


def _line(title: str, time: Time) -> Time:
    print(f"  {title:36}{time}", flush=True)
    return time


def main() -> int:
    """Print the estimate of a study file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="a study file")
    parser.add_argument("--devices", default="1", help="number of GPUs (or cores) that work in parallel")
    arguments = parser.parse_args()
    try:
        if not re.fullmatch("0*[1-9][0-9]{0,8}", arguments.devices):
            raise StudyError(f"DEVICES: {shown(arguments.devices)} must be a whole number of at least 1.")
        study = resolve(read_study(arguments.study))
        report(study, choose_device(study["device"], study["threads"]), int(arguments.devices))
    except (OSError, StudyError) as error:
        print(f"Error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
