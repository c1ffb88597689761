"""Turns a study file into a complete, checked study. Needs only the standard library, PyYAML and jsonschema.

The rules import this module, so that a wrong key stops Snakemake before any job.
"""

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema

from scripts.lib.jobs.errors import StudyError, not_among, shown
from scripts.lib.jobs.paths import ROOT
from scripts.lib.members.spec import MEMBER_KINDS, kind_of
from scripts.lib.study.contradictions import contradictions, dataset_contradictions
from scripts.lib.study.groups import KIND, TRAINED_ALONE, faults_of_entries, members_of_group, plain_entries, swept
from scripts.lib.study.members_from_files import expand
from scripts.lib.study.messages import listed, path_of, readable
from scripts.lib.study.plain_values import canonical, faults
from scripts.lib.study.schema import own_yaml, schema

Study = dict[str, Any]
BACKBONE = "backbone"  # in addition to the kinds of members


def resolve(config: Study) -> Study:
    """Merge recipes into `config`, check it against the schema and fill in the defaults; keys in canonical order.

    Raises StudyError listing every wrong key with its path, its value and what is allowed.
    """
    if not isinstance(config, Mapping):
        raise StudyError(listed([f"it must be a section of keys such as `name`, but it is {shown(config)}"]))
    _refuse_what_no_study_holds(config)
    study = copy.deepcopy(dict(config))
    if study.get("groups"):
        study.setdefault("members", [])  # a study may have members of groups only
    without_files = _expand_members(study)
    _refuse_what_no_study_holds(study)  # manifests, and settings beside files, were read
    _merge_recipes(study)
    _expand_groups(study)
    if messages := _faults_of(study, without_files):
        raise StudyError(listed(messages))
    for supernet in study["supernets"]:
        supernet |= _inherited(study, supernet)
    return dict(canonical(study))


def _refuse_what_no_study_holds(study: Any) -> None:
    if found := list(faults(study)):
        raise StudyError(listed([f"{path_of(place, study)}: {reason}" for place, reason in found]))


@cache
def _recipes() -> dict[str, Study]:
    return own_yaml((ROOT / "config" / "recipes.yaml").read_text(encoding="utf-8"))


def _faults_of(study: Study, without_files: str) -> list[str]:
    """What is wrong in a study whose members are complete; fills in the defaults.

    `without_files` says why some members are missing, or is empty. If it is not, checks that need them are left out.
    """
    errors = sorted(_ValidatorWithDefaults(schema()).iter_errors(study), key=lambda error: list(map(str, error.path)))
    if not without_files:
        return [readable(error, study) for error in errors] or list(contradictions(study, _trains(study)))
    errors = [error for error in errors if list(error.path) != ["members"]]
    messages = [readable(error, study) for error in errors]
    if any(_about_datasets(error) for error in errors):
        return messages
    return messages + (list(dataset_contradictions(study["datasets"], trained=False)) or [without_files])


def _about_datasets(error: jsonschema.ValidationError) -> bool:
    return "datasets" in list(error.path)[:1] or (not error.path and "datasets" not in error.instance)


def _trains(study: Study) -> bool:
    """Whether anything is trained, so that training images are needed."""
    return bool(study["backbones"] or study["supernets"] or any(kind_of(m).is_trained_here for m in study["members"]))


def _expand_members(study: Study) -> str:
    """Replace entries with `from` by their members.

    If this is not possible, such entries are left out and the reason is returned, because the cause may be a fault
    elsewhere in the study, such as a validation set without an id, which must be reported first.
    """
    entries = study.get("members")
    try:
        study["members"], found = expand(entries, _dataset_ids(study))
    except StudyError as error:
        entries = entries if isinstance(entries, list) else []
        study["members"] = [entry for entry in entries if not (isinstance(entry, dict) and "from" in entry)]
        return str(error)
    if found:
        study["zoo"] = found
    return ""


def _dataset_ids(study: Study) -> list[str]:
    """The ids of the validation sets of a study that has not been checked yet."""
    datasets = study.get("datasets")
    validation = datasets.get("validation") if isinstance(datasets, dict) else None
    entries = validation if isinstance(validation, list) else []
    return [str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry]


def keys_of_kinds(schema: Study) -> dict[str, set[str]]:
    """The keys that a member of each kind, and a backbone, can have."""
    keys = {kind: set(schema["$defs"][f"{kind}_member"]["properties"]) for kind in MEMBER_KINDS}
    return keys | {BACKBONE: set(schema["$defs"]["backbone"]["properties"])}


def _merge_recipes(study: Study) -> None:
    """Give members and backbones the keys of their recipes and the study's overrides; pick the points of searches."""
    kinds = keys_of_kinds(schema())
    for section, kind in (("members", _default_kind()), ("backbones", BACKBONE)):
        if isinstance(study.get(section), list):
            entries = enumerate(study[section])
            study[section] = [_merged(study, entry, f"{section}/{place}", kind, kinds) for place, entry in entries]
    if isinstance(study.get("members"), list):
        study["members"] = [member for entry in study["members"] for member in _members_of(entry)]


def _expand_groups(study: Study) -> None:
    """Replace the entries of `groups` by the groups that they stand for, whose members join `members`.

    Raises StudyError for a wrong key, named by its place in `groups`. A study that was resolved before stays as it is.
    """
    entries = study.get("groups")
    if not entries:
        return
    _refuse_faults({"groups": entries}, {"groups": schema()["properties"]["groups"]})
    if all("way" in entry for entry in entries):
        return
    if faults := list(faults_of_entries(entries)):
        raise StudyError(listed(faults))
    kinds = keys_of_kinds(schema())
    groups, members, first = [], [], []
    for place, entry in enumerate(entries):
        for number, group in enumerate(swept(entry)):
            where = f"groups/{place} ({entry['id']})/members"
            merged = [_merged(study, own, f"{where}/{at}", KIND, kinds) for at, own in enumerate(plain_entries(group))]
            made = members_of_group(group, merged)
            if not number:
                first.append({"id": entry["id"], "members": made})
            members += made
            groups.append(group | {"members": [member["id"] for member in made]})
    one = {"type": "array", "items": {"properties": {"members": {"items": {"$ref": f"#/$defs/{KIND}_member"}}}}}
    _refuse_faults({"groups": first}, {"groups": one})
    study["groups"] = groups
    plain = study.get("members", [])
    study["members"] = plain + members if isinstance(plain, list) else plain


def _refuse_faults(part: Study, properties: Study) -> None:
    """Raise StudyError for what a part of a study has wrong; fills in its defaults."""
    part_schema = {"properties": properties, "$defs": schema()["$defs"]}
    errors = sorted(_ValidatorWithDefaults(part_schema).iter_errors(part), key=lambda error: list(map(str, error.path)))
    if errors:
        raise StudyError(listed([readable(error, part) for error in errors]))


def _merged(study: Study, entry: Any, where: str, kind: str, kinds: dict[str, set[str]]) -> Any:
    """The recipe of a member or backbone, overridden by the study's overrides and then by its own keys."""
    if not isinstance(entry, dict):
        return entry
    recipes, name = _recipes(), str(entry.get("recipe", ""))
    if "recipe" in entry and name not in recipes:
        raise StudyError(f"{where}/recipe: {not_among(name, recipes)} (config/recipes.yaml).")
    base = copy.deepcopy(recipes.get(name, {}))
    own = entry.get("kind", base.get("kind", kind))
    # In a group, a member of kind `supervised` becomes one of kind `grouped`.
    overrides = _overrides(study, kind if (kind, own) == (KIND, TRAINED_ALONE) else own, kinds)
    return merge(merge(base, overrides), entry)


def _overrides(study: Study, kind: Any, kinds: dict[str, set[str]]) -> Study:
    """The study's overrides without the keys that only members of other kinds, or backbones, have."""
    overrides = study.get("overrides")
    if not isinstance(overrides, dict) or not isinstance(kind, str) or kind not in kinds:
        return {}
    elsewhere = set().union(*kinds.values()) - kinds[kind]
    return {key: value for key, value in overrides.items() if key not in elsewhere}


def _members_of(entry: Any) -> list[Any]:
    """The members that an entry stands for, such as the points of a search; the entry itself if it is not valid."""
    kind = entry.get("kind", _default_kind()) if isinstance(entry, dict) else None
    return MEMBER_KINDS[kind].stands_for(entry) if isinstance(kind, str) and kind in MEMBER_KINDS else [entry]


def _default_kind() -> str:
    return schema()["$defs"]["member"]["properties"]["kind"]["default"]


def _inherited(study: Study, supernet: Study) -> Study:
    """The settings that a super-network takes over from the member that it starts from."""
    if "member" not in supernet["base"]:
        return {}
    base = next(member for member in study["members"] if member["id"] == supernet["base"]["member"])
    return {key: copy.deepcopy(base[key]) for key in ("architecture", "image_size", "transforms")}


def merge(base: Study, change: Study) -> Study:
    """`change` on top of `base`, section by section; a section with another `name` replaces the whole section."""
    merged = dict(base)
    for key, value in change.items():
        before: Any = base.get(key)
        both_sections = isinstance(before, dict) and isinstance(value, dict)
        if both_sections and value.get("name", before.get("name")) == before.get("name"):
            merged[key] = merge(before, value)
        else:
            merged[key] = value
    return merged


def _with_defaults(validate_properties: Any) -> Any:
    def set_defaults(validator: Any, properties: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, dict):
            for key, subschema in properties.items():
                if isinstance(subschema, dict) and "default" in subschema:
                    instance.setdefault(key, copy.deepcopy(subschema["default"]))
        yield from validate_properties(validator, properties, instance, schema)

    return set_defaults


_ValidatorWithDefaults = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"properties": _with_defaults(jsonschema.Draft202012Validator.VALIDATORS["properties"])},
    # JSON counts 2.0 as an integer, but Python cannot use it as a number of epochs.
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int),
)
