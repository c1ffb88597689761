"""The schema of a study: schemas/study.schema.yaml, completed with the specs."""

import re
from functools import cache
from typing import Any

import yaml

from scripts.lib.datasets.spec import DATASET_KINDS
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.inference.attribution_methods.spec import ATTRIBUTION_METHODS
from scripts.lib.jobs.paths import ROOT
from scripts.lib.measures.spec import MEASURES
from scripts.lib.members.spec import MEMBER_KINDS
from scripts.lib.training.losses.spec import LOSS_TERMS

SCHEMA = ROOT / "schemas" / "study.schema.yaml"
NAMES = "letters, digits, `.`, `_` and `-`, beginning with a letter or digit"  # what `is_name` accepts, for messages
# Ten times as fast, but not in every build of PyYAML. These are the project's own files, without surprises.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def own_yaml(text: str) -> Any:
    """The content of one of the project's own YAML texts."""
    return yaml.load(text, Loader=_Loader)


@cache
def schema() -> dict[str, Any]:
    """The complete schema. Shared: callers must not change it."""
    complete = own_yaml(SCHEMA.read_text(encoding="utf-8"))
    complete["$defs"]["datasets"]["properties"]["kind"] = _dataset_kinds()
    _add_kinds_of_members(complete["$defs"])
    _complete_methods(complete["properties"])
    _add_terms_of_losses(complete["$defs"]["group"]["properties"])
    return complete


def is_name(text: str) -> bool:
    """Whether a study, a validation set or a member may have this name."""
    return bool(re.search(schema()["$defs"]["identifier"]["pattern"], text))


def _dataset_kinds() -> dict[str, Any]:
    """What `datasets/kind` may be."""
    *others, last = (f"`{name}` ({kind.meaning})" for name, kind in DATASET_KINDS.items())
    return {"description": f"{', '.join(others)} or {last}.", "enum": list(DATASET_KINDS)}


def _add_kinds_of_members(definitions: dict[str, Any]) -> None:
    """The names of the kinds, and the keys of each in addition to those of every member."""
    member = definitions["member"]
    kinds = list(MEMBER_KINDS.values())
    without = [f"`{kind.name}`" for kind in kinds if not kind.has_network]
    member["properties"]["kind"]["description"] += (
        f" {'; '.join(f'`{kind.name}` {kind.meaning}' for kind in kinds)}. Members of kind "
        f"{', '.join(without[:-1])} or {without[-1]} have predictions only, neither attributions nor activations."
    )
    member["properties"]["kind"]["enum"] = [kind.name for kind in kinds]
    member["allOf"] = [
        {"if": {"properties": {"kind": {"const": kind.name}}}, "then": {"$ref": f"#/$defs/{kind.name}_member"}}
        for kind in kinds
    ]
    for kind in kinds:
        own = own_yaml(kind.schema)
        keys = dict.fromkeys(member["properties"], True) | own.get("properties", {})
        definitions[f"{kind.name}_member"] = own | {"additionalProperties": False, "properties": keys}


def _add_terms_of_losses(group: dict[str, Any]) -> None:
    """The terms that the loss of a group can have, with the range of their weights."""
    for term in LOSS_TERMS.values():
        weight = {"type": "number", "minimum": 0} | ({} if term.largest is None else {"maximum": term.largest})
        group["loss"]["properties"][term.name] = weight | {
            "description": f"{term.formula[0].upper()}{term.formula[1:]}."
        }
        weights = {"type": "array", "minItems": 1, "uniqueItems": True, "items": weight}
        group["sweep"]["properties"]["weights"]["properties"][term.name] = weights | {
            "description": f"Weights of the term `{term.name}`."
        }


def _complete_methods(sections: dict[str, Any]) -> None:
    """The names of all measures, attribution methods and consensus methods, and how an ensemble decides by each."""
    sections["measures"]["items"]["enum"] = list(MEASURES)
    sections["attributions"]["properties"]["method"]["enum"] = list(ATTRIBUTION_METHODS)
    consensus = sections["ensembles"]["properties"]["consensus"]
    consensus["items"]["enum"] = list(CONSENSUS_METHODS)
    decisions = [f"`{method.name}` takes {method.decision}" for method in CONSENSUS_METHODS.values()]
    consensus["description"] += f" {'; '.join(decisions)}."
