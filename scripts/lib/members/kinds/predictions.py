"""Existing predictions of a model, one file per validation set: rule `import_predictions`."""

from collections.abc import Iterator

from scripts.lib.jobs.user_paths import DATASET
from scripts.lib.members.spec import Entry, MemberKind

SCHEMA = """
description: >-
  Files of a model's predictions, one per validation set: `.npy`, `.npz`, `.csv` or `.parquet`, with one row per
  sample and one column per class; ids are in the column (or array) `sample`.
required: [file]
properties:
  file:
    description: >-
      The file, with `{dataset}` in the place of the id of the validation set; or one file per validation set, under
      its id.
    type: [string, object]
    additionalProperties: {type: string}
  samples:
    description: >-
      A text file with one sample id per row, if the file of predictions has no ids (may contain `{dataset}`). Without
      any ids, rows must be in the order of the validation set.
    type: [string, "null"]
    default: null
  values: {$ref: "#/$defs/values", default: auto}
  classes: {$ref: "#/$defs/class_order", default: null}
  parameters: {$ref: "#/$defs/number_of_cost", default: null}
  macs: {$ref: "#/$defs/number_of_cost", default: null}
  latency_ms: {$ref: "#/$defs/cost", default: null}
"""


def file_on(member: Entry, dataset: str) -> str:
    """The file with the predictions on a validation set."""
    file = member["file"]
    return str(file[dataset] if isinstance(file, dict) else file.replace(DATASET, dataset))


def contradictions(member: Entry, study: Entry) -> Iterator[str]:
    """Validation sets that have no file."""
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    if isinstance(member["file"], dict):
        lacking = [dataset for dataset in datasets if dataset not in member["file"]]
        yield from (f"file: no file for the validation set {dataset!r}" for dataset in lacking)
    elif len(datasets) > 1 and DATASET not in member["file"]:
        yield f"file: one file for {len(datasets)} validation sets; write {DATASET} in the place of their ids"


PREDICTIONS = MemberKind(
    name="predictions",
    order=80,
    meaning="reads existing predictions of a model",
    schema=SCHEMA,
    origin="files",
    needs_images=False,
    suffixes=(".npy", ".npz", ".csv", ".parquet"),
    file_key="file",
    file_of=file_on,
    contradictions=contradictions,
)
