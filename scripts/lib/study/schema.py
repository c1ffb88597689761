"""The schema of a study: schemas/study.schema.yaml, completed by what the specs say of themselves."""

from functools import cache
from typing import Any

import yaml

from scripts.lib.datasets.spec import DATASET_KINDS
from scripts.lib.jobs.paths import ROOT

SCHEMA = ROOT / "schemas" / "study.schema.yaml"


@cache
def schema() -> dict[str, Any]:
    """The complete schema. Shared: callers must not change it."""
    complete = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    complete["$defs"]["datasets"]["properties"]["kind"] = _dataset_kinds()
    return complete


def _dataset_kinds() -> dict[str, Any]:
    """What `datasets/kind` may be."""
    *others, last = (f"`{name}` ({kind.meaning})" for name, kind in DATASET_KINDS.items())
    return {"description": f"{', '.join(others)} or {last}.", "enum": list(DATASET_KINDS)}
