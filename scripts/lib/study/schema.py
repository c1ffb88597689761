"""The schema of a study: schemas/study.schema.yaml, completed by what the specs say of themselves."""

from functools import cache
from typing import Any

import yaml

from scripts.lib.jobs.paths import ROOT

SCHEMA = ROOT / "schemas" / "study.schema.yaml"


@cache
def schema() -> dict[str, Any]:
    """The complete schema. Shared: callers must not change it."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
