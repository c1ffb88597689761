"""The schema of a study: schemas/study.schema.yaml, completed by what the specs say of themselves."""

from functools import cache
from typing import Any

import yaml

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.inference.attribution_methods.spec import ATTRIBUTION_METHODS
from scripts.lib.jobs.paths import ROOT
from scripts.lib.measures.spec import MEASURES

SCHEMA = ROOT / "schemas" / "study.schema.yaml"


@cache
def schema() -> dict[str, Any]:
    """The complete schema. Shared: callers must not change it."""
    whole = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    _complete_methods(whole["properties"])
    return whole


def _complete_methods(sections: dict[str, Any]) -> None:
    """The names of all measures, attribution methods and consensus methods, and how an ensemble decides by each."""
    sections["measures"]["items"]["enum"] = list(MEASURES)
    sections["attributions"]["properties"]["method"]["enum"] = list(ATTRIBUTION_METHODS)
    consensus = sections["ensembles"]["properties"]["consensus"]
    consensus["items"]["enum"] = list(CONSENSUS_METHODS)
    decisions = [f"`{method.name}` takes {method.decision}" for method in CONSENSUS_METHODS.values()]
    consensus["description"] += f" {'; '.join(decisions)}."
