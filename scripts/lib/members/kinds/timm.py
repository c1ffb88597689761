"""A model of timm with weights from a file, or with timm's own: rule `import_weights`."""

import difflib
from typing import Any

from scripts.lib.jobs.errors import StudyError, first_line
from scripts.lib.members.spec import MemberKind, Source

SCHEMA = """
description: A model of timm with weights from a file, or with timm's own pretrained weights.
required: [model]
properties:
  model:
    description: Name of the model in timm, such as `resnet18` or `resnet18.a1_in1k`.
    type: string
  weights:
    description: >-
      A file of weights (`.safetensors`; `.pt` and `.pth` only if they contain nothing but tensors and plain values);
      null downloads timm's own weights.
    type: [string, "null"]
    default: null
  arguments: {$ref: "#/$defs/library_arguments", default: {}}
  classes: {$ref: "#/$defs/class_order", default: null}
  image_size:
    description: Height and width, in pixels, of the images that the model sees; null takes the value of timm.
    type: [integer, "null"]
    minimum: 8
    default: null
  crop:
    description: >-
      Part of the image's shorter side that the model sees, like timm's `crop_pct`; null takes the value of timm. It
      cannot be more than what `datasets.resize` leaves.
    $ref: "#/$defs/crop"
    default: null
  mean: {$ref: "#/$defs/own_channels", default: null}
  std: {$ref: "#/$defs/own_channels", default: null}
"""


def source(member: dict[str, Any], pretrained: bool, where: str) -> Source:
    """timm's configuration of the model; a network with a fixed image size gets the member's `image_size`.

    Raises StudyError for a model that timm cannot create.
    """
    from scripts.lib.networks.vision import timm

    name = member["model"]
    try:
        model = timm.create_model(name, pretrained=pretrained, **member["arguments"])
    except (RuntimeError, TypeError, OSError) as error:
        raise StudyError(
            f"{where}: timm cannot create {name!r} ({first_line(error)}).{_hint(name, pretrained)}"
        ) from None
    config: dict[str, Any] = model.pretrained_cfg  # type: ignore[assignment]
    fixed = config.get("fixed_input_size") and member["image_size"]
    return Source(
        config["input_size"][-1],
        config["crop_pct"],
        config["mean"],
        config["std"],
        dict(model.state_dict()) if pretrained else None,
        {"img_size": member["image_size"]} if fixed else {},
    )


def _hint(name: str, pretrained: bool) -> str:
    from scripts.lib.networks.vision import timm

    if timm.is_model(name):
        return " Without network access, give a file as `weights`." if pretrained else ""
    close = difflib.get_close_matches(name, timm.list_models(), n=3)
    return f" Similar names: {', '.join(close)}." if close else " Correct `model` of this member."


TIMM = MemberKind(
    name="timm",
    order=40,
    meaning="loads existing weights into a network of timm",
    schema=SCHEMA,
    origin="weights",
    suffixes=(".safetensors", ".pt", ".pth"),
    file_key="weights",
    source=source,
)
