"""From the section `groups` to groups and their members: sweeps, copies, ids, seeds, schedules."""

import copy
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from scripts.lib.jobs.errors import StudyError, shown
from scripts.lib.training.losses.spec import LOSS_TERMS, double_backward
from scripts.lib.training.parts import smallest_part

Group = dict[str, Any]
# Seeds of members: those of two groups with the same seed are the same, so both start from the same initial weights.
SEEDS_OF_A_GROUP = 1000
# What the group decides for its members.
OF_THE_GROUP = ("epochs", "batch_size", "training_images")
KIND, TRAINED_ALONE = "grouped", "supervised"
# What an entry of `members` in a group has besides the keys of a member.
OWN_KEYS = ("copies",)
# Crops are drawn once for all members.
SHARED_TRANSFORMS = ("crop_scale", "crop_ratio", "horizontal_flip")


def swept(group: Group) -> list[Group]:
    """The groups that an entry stands for, one for each weight and seed of its `sweep`, with telling ids."""
    sweep = group.get("sweep") or {}
    weights, seeds = sweep.get("weights", {}), sweep.get("seeds") or [None]
    plain = {key: value for key, value in group.items() if key != "sweep"}
    found = []
    for values in product(*weights.values()):
        chosen = dict(zip(weights, values, strict=True))
        for seed in seeds:
            parts = [f"{'w' if len(chosen) == 1 else name}{value:g}" for name, value in chosen.items()]
            parts += [] if seed is None else [f"s{seed}"]
            changed = plain if seed is None else plain | {"seed": seed}
            found.append(
                changed
                | {
                    "id": "-".join([group["id"], *parts]),
                    "way": group["id"],
                    "loss": plain.get("loss", {}) | chosen,
                }
            )
    return found


def faults_of_entries(groups: list[Group]) -> Iterator[str]:
    """Members of groups, in the study file, that are no section of keys, and ids that are used twice."""
    ids = [group["id"] for group in groups]
    yield from (
        f"groups: the id {id!r} is used {ids.count(id)} times" for id in sorted({i for i in ids if ids.count(i) > 1})
    )
    for place, group in enumerate(groups):
        if group.get("seed") and (group.get("sweep") or {}).get("seeds"):
            yield f"groups/{place} ({group['id']})/seed: the seeds of `sweep` take its place; remove one of the two"
        for number, entry in enumerate(group["members"]):
            if isinstance(entry, str):
                yield (
                    f"groups/{place} ({group['id']})/members/{number}: {shown(entry)} is not a section of keys; write "
                    "the member's architecture or recipe here. A member of `members` is trained alone and cannot be in "
                    "a group"
                )


def plain_entries(group: Group) -> list[Any]:
    """The entries of a group's members, each once, without the keys that only such entries have."""
    return [{key: value for key, value in entry.items() if key not in OWN_KEYS} for entry in group["members"]]


def members_of_group(group: Group, merged: list[Any]) -> list[Any]:
    """The members of a group, from its entries with the keys of their recipes; one with `copies` stands for several.

    Raises StudyError for a recipe of another kind of member.
    """
    found: list[Any] = []
    for place, (entry, complete) in enumerate(zip(group["members"], merged, strict=True)):
        if complete.get("kind", TRAINED_ALONE) != TRAINED_ALONE:
            raise StudyError(
                f"groups ({group['way']})/members/{place}: it is of kind {complete['kind']!r}, but only members of "
                f"kind {TRAINED_ALONE!r} can be trained together."
            )
        for _ in range(entry.get("copies", 1)):
            found.append(_member(group, len(found) + 1, copy.deepcopy(complete)))
    return found


def _member(group: Group, number: int, entry: Any) -> Any:
    """The member that a merged entry becomes, the `number`-th of the group, from 1.

    The schedule is that of the entry over its own epochs, if it has some, scaled to the group's.
    """
    own = entry.get("epochs")
    scale = group["epochs"] / own if isinstance(own, int) and own > 0 else 1
    schedule = dict(found) if isinstance(found := entry.get("schedule", {}), dict) else {}
    for key in ("every_epochs", "warmup_epochs"):
        if isinstance(schedule.get(key), int | float):
            schedule[key] = schedule[key] * scale
    return entry | {
        "id": f"{group['id']}-{entry.get('id', number)}",
        "kind": KIND,
        "group": group["id"],
        "seed": group["seed"] * SEEDS_OF_A_GROUP + number,
        "schedule": schedule,
        **{key: group[key] for key in OF_THE_GROUP},
    }


def has_swept_loss(groups: list[Group]) -> bool:
    """Whether some term stands alone in a loss with several weights."""
    alone = {(name, weight) for group in groups if len(group["loss"]) == 1 for name, weight in group["loss"].items()}
    names = [name for name, _ in alone]
    return len(set(names)) < len(names)


def group_contradictions(study: Mapping[str, Any]) -> Iterator[str]:
    """Contradictions in the groups of a study that the schema accepts."""
    members = {member["id"]: member for member in study["members"]}
    for position, group in enumerate(study["groups"]):
        where = f"groups/{position} ({group['id']})"
        entries = [members[id] for id in group["members"] if id in members]
        yield from (f"{where}/{text}" for text in _of_members(group, entries))
        yield from (f"{where}/{text}" for text in _of_loss(group, study["training"]))


def _of_members(group: Group, members: list[Any]) -> Iterator[str]:
    if len(group["members"]) < 2:
        yield "members: a group needs at least two members; write the second one, or `copies: 2`"
    for key in SHARED_TRANSFORMS:
        values = [member["transforms"][key] for member in members]
        for member, value in zip(members, values, strict=True):
            if value != values[0]:
                first = f"{members[0]['id']} has {values[0]}"
                yield f"members ({member['id']})/transforms/{key}: {value}, but {first}: a group sees the same crops"


def _of_loss(group: Group, training: Mapping[str, Any]) -> Iterator[str]:
    names = list(group["loss"])
    fewest = max((LOSS_TERMS[name].fewest for name in names), default=1)
    batch = min(group["batch_size"], group["training_images"] or group["batch_size"])
    share = batch // training["gpus"]
    count = smallest_part(share, training["images_at_once"]) if share else share
    if count < fewest:
        term = next(name for name in names if LOSS_TERMS[name].fewest > count)
        why = f" (training/images_at_once: {training['images_at_once']})" if count < share else ""
        yield f"batch_size: {count} images are computed at once{why}, but the loss term {term!r} needs {fewest} or more"
    if group["ramp_epochs"] > group["epochs"]:
        yield (
            f"ramp_epochs: {group['ramp_epochs']} is more than the {group['epochs']} epochs, so the loss would never "
            "have its weights"
        )
    if double_backward(names):
        refused = {"compile": training["compile"], "precision": training["precision"] == "float16"}
        refused["gpus"] = training["gpus"] > 1  # torch cannot differentiate batch norm over several GPUs twice
        for key in (key for key, found in refused.items() if found):
            value = str(training[key]).lower()
            yield (
                f"loss/attribution: its gradient cannot be computed with training/{key}: {value}; choose another value"
            )
