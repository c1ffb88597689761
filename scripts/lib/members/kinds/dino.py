"""A linear classifier on a backbone that was trained without labels: rules `pretrain_backbone`, `train_classifier`."""

from collections.abc import Iterator

from scripts.lib.jobs.errors import not_among
from scripts.lib.members.contradictions import contradictions_of_training
from scripts.lib.members.spec import Entry, MemberKind

SCHEMA = """
description: A linear classifier that is trained on the labels, on the features of a backbone that is not changed.
required: [backbone, optimizer, schedule, epochs, batch_size]
properties:
  backbone:
    description: Id of an entry of `backbones`; the architecture and the image size are those of the backbone.
    type: string
  optimizer: {$ref: "#/$defs/optimizer"}
  schedule: {$ref: "#/$defs/schedule"}
  epochs: {$ref: "#/$defs/epochs"}
  batch_size: {$ref: "#/$defs/batch_size"}
  training_images: {$ref: "#/$defs/training_images", default: null}
  transforms: {$ref: "#/$defs/transforms", default: {}}
  seed:
    description: Seed of the classifier; the backbone has its own.
    type: integer
    minimum: 0
    default: 0
  standardise_features:
    description: >-
      Whether the classifier is trained on features with mean 0 and standard deviation 1. In both cases it is a linear
      classifier and is stored as one; with standardised features, a short training finds a better one.
    type: boolean
    default: false
"""


def contradictions(member: Entry, study: Entry) -> Iterator[str]:
    """A backbone that is not in the study, and the contradictions of any training."""
    backbones = [backbone["id"] for backbone in study["backbones"]]
    if member["backbone"] not in backbones:
        yield f"backbone: {not_among(member['backbone'], backbones)}"
    yield from contradictions_of_training(member, study)


DINO = MemberKind(
    name="dino",
    order=20,
    meaning="trains a linear classifier on a backbone that was trained without labels",
    schema=SCHEMA,
    origin="training",
    contradictions=contradictions,
)
