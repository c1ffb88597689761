"""A model in an ONNX file, run by ONNX Runtime on each validation set: rule `predict`."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.lib.jobs.user_paths import fault_of_file, fault_of_path, location
from scripts.lib.members.spec import Entry, MemberKind, Run

if TYPE_CHECKING:
    import numpy as np

SCHEMA = """
description: >-
  A model in an ONNX file, which ONNX Runtime runs on the CPU. It has predictions only. The input is float32,
  [N, 3, H, W] or [N, H, W, 3]; the first output is [N, classes].
required: [file]
properties:
  file:
    description: The ONNX file.
    type: string
  values: {$ref: "#/$defs/values", default: auto}
  classes: {$ref: "#/$defs/class_order", default: null}
  image_size:
    description: >-
      Height and width, in pixels, of the images that the model sees; null takes what the file says, or the size
      in the study.
    type: [integer, "null"]
    minimum: 8
    default: null
  crop:
    description: >-
      Part of the image's shorter side that the model sees; it cannot be more than what `datasets.resize` leaves.
    $ref: "#/$defs/crop"
    default: 1.0
  mean:
    description: Mean of each channel, subtracted from pixels between 0 and 1.
    $ref: "#/$defs/channels"
    default: [0.485, 0.456, 0.406]
  std:
    description: Standard deviation of each channel, by which pixels are divided.
    $ref: "#/$defs/channels"
    default: [0.229, 0.224, 0.225]
  macs: {$ref: "#/$defs/number_of_cost", default: null}
"""


def files_beside(member: Entry) -> list[str]:
    """Files in the same folder whose names begin with the file's name: ONNX may store weights in them."""
    file = Path(location(member["file"]))
    beside = map(str, file.parent.glob(f"{glob.escape(file.stem)}*"))
    return sorted(path for path in beside if path != str(file) and not fault_of_path(path) and not fault_of_file(path))


def predict(run: Run) -> tuple[np.ndarray, dict[str, Any]]:
    """Logits float32 [N, C], computed on the CPU. Raises StudyError for a file that is not such a model."""
    from scripts.lib.jobs.device import choose_device
    from scripts.lib.members.onnx_files import predict_onnx

    choose_device("cpu", run.threads)
    assert run.file is not None  # the schema requires it
    return predict_onnx(
        run.member, run.file, run.dataset, run.images, run.samples, run.classes, run.stored, run.threads
    )


ONNX = MemberKind(
    name="onnx",
    order=60,
    meaning="runs an ONNX file",
    schema=SCHEMA,
    origin="run",
    suffixes=(".onnx",),
    file_key="file",
    further_files=files_beside,
    predict=predict,
)
