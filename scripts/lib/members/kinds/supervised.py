"""A network that is trained on the labels: rule `train`."""

from scripts.lib.members.contradictions import contradictions_of_training
from scripts.lib.members.spec import MemberKind

SCHEMA = """
description: A classifier that is trained on the labels.
required: [architecture, optimizer, schedule, epochs, batch_size]
properties:
  architecture:
    $ref: "#/$defs/architecture"
  optimizer: {$ref: "#/$defs/optimizer"}
  schedule: {$ref: "#/$defs/schedule"}
  epochs: {$ref: "#/$defs/epochs"}
  batch_size: {$ref: "#/$defs/batch_size"}
  training_images: {$ref: "#/$defs/training_images", default: null}
  image_size:
    description: Height and width, in pixels, of the images that the member sees.
    type: integer
    minimum: 32
    default: 224
  transforms: {$ref: "#/$defs/transforms", default: {}}
  seed:
    description: >-
      Seed of the member; initialisation, data order and augmentation have separate random streams derived from
      it.
    type: integer
    minimum: 0
    default: 0
"""
SUPERVISED = MemberKind(
    name="supervised",
    order=10,
    meaning="trains it on the labels",
    schema=SCHEMA,
    origin="training",
    contradictions=contradictions_of_training,
)
