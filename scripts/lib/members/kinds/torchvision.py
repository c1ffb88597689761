"""A classifier of torchvision with weights from a file, or with torchvision's own: rule `import_weights`."""

import difflib
import os
import re
from typing import Any

from scripts.lib.jobs.errors import StudyError, first_line
from scripts.lib.members.spec import Entry, MemberKind, Source

# A name of torchvision's own weights, such as IMAGENET1K_V1.
OWN_WEIGHTS = re.compile(r"[A-Z0-9_]+")
# torchvision's own weights of these expect pixels from −1 to 1, to which the network then converts its input.
OTHER_NORMALISATION = ("googlenet", "inception_v3")
IMAGENET: Any = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
SCHEMA = """
description: A classifier of torchvision with weights from a file, or with torchvision's own pretrained weights.
required: [model]
properties:
  model:
    description: Name of the model in torchvision, such as `resnet18`.
    type: string
  weights:
    description: >-
      A file of weights (`.safetensors`; `.pt` and `.pth` only if they contain nothing but tensors and plain values),
      or the name of torchvision's own weights, such as `IMAGENET1K_V1`, which are downloaded; null downloads the best
      weights of torchvision.
    type: [string, "null"]
    default: null
  arguments: {$ref: "#/$defs/library_arguments", default: {}}
  classes: {$ref: "#/$defs/class_order", default: null}
  image_size:
    description: >-
      Height and width, in pixels, of the images that the model sees; null takes that of torchvision's weights
      (224 for weights from a file).
    type: [integer, "null"]
    minimum: 8
    default: null
  crop:
    description: >-
      Part of the image's shorter side that the model sees, like timm's `crop_pct`; null takes that of torchvision's
      weights (0.875 for weights from a file). It cannot be more than what `datasets.resize` leaves.
    $ref: "#/$defs/crop"
    default: null
  mean: {$ref: "#/$defs/own_channels", default: null}
  std: {$ref: "#/$defs/own_channels", default: null}
"""


def weights_file(member: Entry, dataset: str) -> str | None:
    """`weights` as a file; None if it is the name of torchvision's own weights and no file has this name."""
    weights = member["weights"]
    return None if OWN_WEIGHTS.fullmatch(weights) and not os.path.isfile(weights) else str(weights)


def source(member: dict[str, Any], pretrained: bool, where: str) -> Source:
    """Image preparation as stored with torchvision's weights; for a file, the usual 224 of 256 pixels.

    Raises StudyError for a classifier or weights that torchvision does not have.
    """
    from scripts.lib.networks.vision import torchvision

    name = member["model"]
    if name not in (known := torchvision.models.list_models(module=torchvision.models)):
        close = ", ".join(difflib.get_close_matches(name, known, n=3)) or "none"
        raise StudyError(f"{where}/model: torchvision has no classifier {name!r} (similar names: {close}).")
    if not pretrained:
        return Source(224, 224 / 256, **IMAGENET)
    try:
        weights = torchvision.models.get_model_weights(name)[member["weights"] or "DEFAULT"]
        state = weights.get_state_dict(progress=False, check_hash=True)
    except KeyError:
        raise StudyError(f"{where}/weights: torchvision has no weights {member['weights']!r} of {name}.") from None
    except (OSError, RuntimeError) as error:
        raise StudyError(
            f"{where}: torchvision's weights of {name} could not be downloaded ({first_line(error)})."
        ) from None
    view = weights.transforms()
    crop = view.crop_size[0] / view.resize_size[0]
    arguments = {"transform_input": True} if name in OTHER_NORMALISATION else None
    return Source(view.crop_size[0], crop, view.mean, view.std, dict(state), arguments)


TORCHVISION = MemberKind(
    name="torchvision",
    order=50,
    meaning="loads existing weights into a network of torchvision",
    schema=SCHEMA,
    origin="weights",
    file_key="weights",
    file_of=weights_file,
    source=source,
)
