"""What training members together will cost: a few steps of one group of each kind are timed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from scripts.lib.networks.architectures import Network, build, to_device
from scripts.lib.training.group_outputs import GroupMember
from scripts.lib.training.group_steps import GroupSteps
from scripts.lib.training.optimizers import make_optimizer

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Alike:
    """Groups that cost the same: they differ in weights and seeds only. `groups` are ids, `members` entries of one."""

    title: str
    groups: Sequence[str]
    entry: Entry
    members: Sequence[dict[str, Any]]


def alike_groups(study: Entry) -> list[Alike]:
    """The groups of a study, put together where they cost the same."""
    entries = {member["id"]: member for member in study["members"]}
    found: dict[str, list[Entry]] = {}
    for group in study["groups"]:
        members = [entries[member] for member in group["members"]]
        key = [
            group["way"],
            sorted(group["loss"]),
            [group[name] for name in ("epochs", "batch_size", "training_images")],
            [[member["architecture"], member["image_size"]] for member in members],
        ]
        found.setdefault(json.dumps(key), []).append(group)
    return [
        Alike(
            groups[0]["way"],
            [group["id"] for group in groups],
            groups[0],
            [entries[member] for member in groups[0]["members"]],
        )
        for groups in found.values()
    ]


class StepOfGroup:
    """One step of a group on `count` random images, to be called and timed."""

    def __init__(self, alike: Alike, count: int, classes: int, scale: Entry, device: torch.device) -> None:
        members = [_member(entry, classes, device) for entry in alike.members]
        optimizers = [make_optimizer(member.network.model, member.entry["optimizer"]) for member in members]
        self.steps, self.loss, self.count = GroupSteps(members, optimizers, scale, device), alike.entry["loss"], count
        size = max(entry["image_size"] for entry in alike.members)
        self.images = torch.rand(count, 3, size, size, device=device)
        self.labels = torch.arange(count, device=device) % classes

    def __call__(self) -> None:
        self.steps.step(self.images, self.labels, self.loss, 0, self.count)
        self.steps.finish()


def _member(entry: dict[str, Any], classes: int, device: torch.device) -> GroupMember:
    network = build(entry, classes)
    model = to_device(network.model, device)
    return GroupMember(entry, Network(model, network.head), model)
