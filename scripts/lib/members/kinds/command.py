"""A user's program, run on each validation set: rule `predict`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from scripts.lib.jobs.user_paths import fault_of_file, fault_of_path, location
from scripts.lib.members.spec import Entry, MemberKind, Run

if TYPE_CHECKING:
    import numpy as np

SCHEMA = """
description: >-
  Your own program, which gets a folder of images and writes a file of predictions. It runs without a shell and with
  your permissions.
required: [command]
properties:
  command:
    description: >-
      The program and its arguments. `{images}` stands for the folder, whose images are called `000000.png`,
      `000001.png`, …; `{output}` stands for the file that the program must write. Ids in that file are the names of
      the images; without ids, rows must be in the order of the names.
    type: array
    minItems: 1
    items: {type: string}
  format:
    description: Suffix of the file that the program writes.
    enum: [csv, parquet, npy, npz]
    default: csv
  timeout:
    description: Seconds after which the program is stopped.
    type: number
    exclusiveMinimum: 0
    default: 3600
  values: {$ref: "#/$defs/values", default: auto}
  classes: {$ref: "#/$defs/class_order", default: null}
  parameters: {$ref: "#/$defs/number_of_cost", default: null}
  macs: {$ref: "#/$defs/number_of_cost", default: null}
  latency_ms: {$ref: "#/$defs/cost", default: null}
"""


def files_of_command(member: Entry) -> list[str]:
    """The files that the command names by path. A program that is looked up in PATH is not included."""
    program, *words = member["command"]
    named = [program] * (os.sep in program) + words
    return [location(word) for word in named if not fault_of_path(word) and not fault_of_file(word)]


def predict(run: Run) -> tuple[np.ndarray, dict[str, Any]]:
    """Logits float32 [N, C] that the program writes. Raises StudyError for a program that fails or is too slow."""
    from scripts.lib.members.commands import run_command

    return run_command(run.member, run.dataset, run.images, run.classes, run.folder)


COMMAND = MemberKind(
    name="command",
    order=70,
    meaning="runs your own program",
    schema=SCHEMA,
    origin="run",
    further_files=files_of_command,
    predict=predict,
)
