"""What a kind of member is: one frozen spec in one module of `members/kinds/`, found without being named anywhere.

Needs only the standard library, because the rules read the specs before any job; the functions of a kind import what
they need, such as torch, when they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scripts.lib.jobs.registry import Registry
from scripts.lib.jobs.user_paths import location

if TYPE_CHECKING:
    import numpy as np
    import torch

Entry = Mapping[str, Any]  # a member or the study, as in the study file
# Where a member's predictions come from:
#   training     a network that the workflow makes from the training images, by the kind's own rule
#   weights      a network with existing weights; `source` gets them from the library     (rule import_weights)
#   run          a model that `predict` runs on the images of each validation set         (rule predict)
#   files        existing predictions in a user's files                                   (rule import_predictions)
Origin = Literal["training", "weights", "run", "files"]


@dataclass(frozen=True)
class Source:
    """What a library knows about a model: how images are prepared for it, and its own weights if they are asked for.

    `image_size` is in pixels, `crop` a part of the image's shorter side; `mean` and `std` are those of each channel,
    for pixels between 0 and 1. `arguments` are additional arguments of the function that creates the model.
    """

    image_size: int
    crop: float
    mean: Sequence[float]
    std: Sequence[float]
    weights: dict[str, torch.Tensor] | None = None
    arguments: Entry | None = None


@dataclass(frozen=True)
class Run:
    """One run of a member on a validation set.

    `images` are uint8 [N, S, S, 3], with their ids in `samples`; `classes` are the study's, in its order. `file` is the
    user's file of the member, if its kind has one; `stored` has `image_size` and `resize` of the study. A member may
    write temporary files below `folder`, which it must remove.
    """

    member: dict[str, Any]
    file: str | None
    dataset: str
    images: np.ndarray
    samples: Sequence[str]
    classes: Sequence[str]
    stored: Entry
    folder: Path
    threads: int


def _no_faults(member: Entry, study: Entry) -> Iterator[str]:
    return iter(())


@dataclass(frozen=True)
class MemberKind:
    """A kind of member.

    `schema` is the JSON Schema of its keys as YAML: `description`, `required` and `properties`. Every kind has the keys
    `id`, `kind`, `recipe`, `expected_top1` and `family`; `samples` and `classes` are files if they are text;
    `parameters`, `macs` and `latency_ms` are costs; a kind with origin "run" may have a `timeout` in seconds.
    """

    name: str
    order: int
    # What it does, as the end of the sentence "`name` …" in docs/config.md.
    meaning: str
    schema: str
    origin: Origin
    # Whether it needs images, which datasets of kind predictions lack.
    needs_images: bool = True
    # Suffixes of the files that become members of this kind if an entry has `from`.
    suffixes: tuple[str, ...] = ()
    # The key that holds the member's file.
    file_key: str | None = None
    # The path for a validation set, if it is not the value of that key; None for a value that is not a path.
    file_of: Callable[[Entry, str], str | None] | None = None
    # Further files that affect what the member predicts, if they exist.
    further_files: Callable[[Entry], list[str]] = lambda member: []
    # Contradictions in its keys, as texts that begin with the key. Arguments: a member and the study, valid by schema.
    contradictions: Callable[[Entry, Entry], Iterator[str]] = _no_faults
    # The members that an entry of the study file expands to; the entry has not been checked yet.
    stands_for: Callable[[dict[str, Any]], list[dict[str, Any]]] = lambda entry: [entry]
    # For origin "weights": (member, whether the library's own weights are asked for, key in the study) → Source.
    source: Callable[[dict[str, Any], bool, str], Source] | None = None
    # For origin "run": logits float32 [N, C] in the order of samples and classes, and what to record about them.
    predict: Callable[[Run], tuple[np.ndarray, dict[str, Any]]] | None = None

    def __post_init__(self) -> None:
        for origin, key in (("weights", "source"), ("run", "predict")):
            if (self.origin == origin) != (getattr(self, key) is not None):
                raise ValueError(f"the kind of member {self.name!r}: `{key}` belongs to kinds of origin {origin!r}.")

    @property
    def is_trained_here(self) -> bool:
        """Whether it is made from the study's training images."""
        return self.origin == "training"

    @property
    def has_network(self) -> bool:
        """Whether its network is known, so that it has attributions and activations and not only predictions."""
        return self.origin in ("training", "weights")

    def file(self, member: Entry, dataset: str) -> str | None:
        """The user's file of a member for a validation set, as it is opened; None if it has none."""
        if self.file_key is None or member.get(self.file_key) is None:
            return None
        path = self.file_of(member, dataset) if self.file_of else member[self.file_key]
        return None if path is None else location(path)


MEMBER_KINDS = Registry("scripts.lib.members.kinds", MemberKind)


def kind_of(member: Entry) -> MemberKind:
    """The kind of a member of a resolved study."""
    return MEMBER_KINDS[member["kind"]]
