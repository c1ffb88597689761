"""A network that is trained on the labels: rule `train`."""

from scripts.lib.members.contradictions import contradictions_of_training
from scripts.lib.members.spec import MemberKind

# The keys of every network that is trained on the labels, alone or in a group.
TRAINED_ON_LABELS = """
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
SCHEMA = (
    TRAINED_ON_LABELS
    + """
  precision:
    description: >-
      Number format of this member's training, in place of `training/precision`, which null takes. On a CPU with
      instructions for it (AVX512-BF16), `bfloat16` is faster for ResNets and ResNeXts and slower for MNASNets.
    enum: [float32, bfloat16, float16, null]
    default: null
"""
)
SUPERVISED = MemberKind(
    name="supervised",
    order=10,
    meaning="trains it on the labels",
    schema=SCHEMA,
    origin="training",
    contradictions=contradictions_of_training,
)
