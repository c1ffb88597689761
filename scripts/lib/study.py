"""From a study file to a complete, checked study. Needs only the standard library, PyYAML and jsonschema.

The rules import this module (and no other of the library), so that a wrong key stops Snakemake before any job.
"""

import copy
import difflib
from collections.abc import Iterable, Iterator
from typing import Any

import jsonschema
import yaml

from scripts.lib.errors import StudyError
from scripts.lib.paths import ROOT
from scripts.lib.zoo import expand

Study = dict[str, Any]
BACKBONE = "backbone"  # beside the kinds of members
# Kinds of members that are trained here, and those whose network is known, so that they have more than predictions.
TRAINED = ("supervised", "dino", "subnet")
WITH_WEIGHTS = (*TRAINED, "timm", "torchvision")
MOST_MESSAGES = 30


def resolve(config: Study) -> Study:
    """Merge recipes into `config`, check it against the schema and fill in the defaults.

    Raises StudyError listing every wrong key with its path, its value and what is allowed.
    """
    study = copy.deepcopy(dict(config))
    schema = yaml.safe_load((ROOT / "schemas" / "study.schema.yaml").read_text(encoding="utf-8"))
    recipes = yaml.safe_load((ROOT / "config" / "recipes.yaml").read_text(encoding="utf-8"))
    kinds = keys_of_kinds(schema)
    study["members"], found = expand(study.get("members"), _dataset_ids(study))
    if found:
        study["zoo"] = found
    for section, kind in (("members", "supervised"), ("backbones", BACKBONE)):
        if isinstance(study.get(section), list):
            entries = range(len(study[section]))
            study[section] = [_merged_entry(study, section, position, kind, recipes, kinds) for position in entries]
    if isinstance(study.get("members"), list):
        study["members"] = [member for entry in study["members"] for member in _picked(entry)]
    errors = sorted(_ValidatorWithDefaults(schema).iter_errors(study), key=lambda error: list(map(str, error.path)))
    messages = [_readable(error, study) for error in errors] or list(_contradictions(study))
    if messages:
        more = [f"and {len(messages) - MOST_MESSAGES} more"] if len(messages) > MOST_MESSAGES else []
        listing = "\n".join(f"  - {message}" for message in [*messages[:MOST_MESSAGES], *more])
        raise StudyError(f"the study file is not valid:\n{listing}\nEvery key is described in docs/config.md.")
    for supernet in study["supernets"]:
        supernet |= _inherited(study, supernet)
    return study


def _dataset_ids(study: Study) -> list[str]:
    """The ids of the validation sets, of a study that was not checked yet."""
    datasets = study.get("datasets")
    validation = datasets.get("validation") if isinstance(datasets, dict) else None
    entries = validation if isinstance(validation, list) else []
    return [str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry]


def keys_of_kinds(schema: Study) -> dict[str, set[str]]:
    """The keys that a member of each kind, and a backbone, can have."""
    kinds = schema["$defs"]["member"]["properties"]["kind"]["enum"]
    keys = {kind: set(schema["$defs"][f"{kind}_member"]["properties"]) for kind in kinds}
    return keys | {BACKBONE: set(schema["$defs"]["backbone"]["properties"])}


def _merged_entry(
    study: Study, section: str, position: int, kind: str, recipes: dict[str, Study], kinds: dict[str, set[str]]
) -> Any:
    """The recipe of a member or backbone, under the study's overrides, under its own keys."""
    entry = study[section][position]
    if not isinstance(entry, dict):
        return entry
    name = str(entry.get("recipe", ""))
    if "recipe" in entry and name not in recipes:
        raise StudyError(f"{section}/{position}/recipe: {_not_among(name, recipes)} (config/recipes.yaml).")
    base = recipes.get(name, {})
    overrides = _overrides(study, entry.get("kind", base.get("kind", kind)), kinds)
    return merge(merge(base, overrides), entry)


def _overrides(study: Study, kind: Any, kinds: dict[str, set[str]]) -> Study:
    """The study's overrides without the keys that only members of other kinds, or backbones, have."""
    overrides = study.get("overrides")
    if not isinstance(overrides, dict) or kind not in kinds:
        return {}
    elsewhere = set().union(*kinds.values()) - kinds[kind]
    return {key: value for key, value in overrides.items() if key not in elsewhere}


def _picked(entry: Any) -> list[Any]:
    """The members that an entry stands for: `count` points of a search's front, or just the entry itself."""
    subnet = entry.get("subnet") if isinstance(entry, dict) else None
    search: Any = subnet.get("search") if isinstance(subnet, dict) else None
    if not isinstance(search, dict) or type(search.get("count")) is not int or "point" in search:
        return [entry]
    return [
        entry | {"id": f"{entry.get('id')}-{point}", "subnet": {"search": search | {"point": point}}}
        for point in range(1, search["count"] + 1)
    ]


def _inherited(study: Study, supernet: Study) -> Study:
    """What a super-network takes from the member that it starts from."""
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
    # For JSON 2.0 is an integer, for Python it is no number of epochs.
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int),
)


def _readable(error: jsonschema.ValidationError, study: Study) -> str:
    """One line: the path of the key, its value, and what is allowed."""
    where = _path(error.absolute_path, study)
    if error.validator == "additionalProperties":
        allowed = error.schema["properties"]
        unknown = [key for key in error.instance if key not in allowed]
        return "; ".join(f"{where}: unknown key {_not_among(key, allowed)}" for key in unknown)
    if error.validator == "enum":
        return f"{where}: {_not_among(error.instance, error.validator_value)}"
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"{where}: missing {', '.join(missing)}"
    if error.validator == "dependentRequired":
        return f"{where}: `of`, `corruption` and `severity` need each other ({error.message})"
    return f"{where}: {error.message}" + _hint(error)


def _hint(error: jsonschema.ValidationError) -> str:
    description = error.schema.get("description") if isinstance(error.schema, dict) else None
    return f" ({' '.join(description.split())})" if description else ""


def _path(path: Iterable[str | int], study: Study) -> str:
    """`members/2/epochs` with the id of the list entry, so that nobody has to count."""
    parts, place = [], study
    for part in path:
        place = place[part]  # type: ignore[index]
        name = place.get("id") if isinstance(part, int) and isinstance(place, dict) else None
        parts.append(f"{part} ({name})" if name else str(part))
    return "/".join(parts) or "top level"


def _not_among(value: Any, allowed: Iterable[Any]) -> str:
    names = [str(name) for name in allowed]
    close = difflib.get_close_matches(str(value), names, n=1)
    suggestion = f"; did you mean {close[0]!r}?" if close else ""
    return f"{value!r} is not one of {', '.join(names)}{suggestion}"


def _contradictions(study: Study) -> Iterator[str]:
    """What a schema cannot say: names that must be unique or known, and numbers that must fit each other."""
    yield from _repeated("members", [member["id"] for member in study["members"]])
    yield from _repeated("backbones", [backbone["id"] for backbone in study["backbones"]])
    yield from _repeated("datasets/validation", [dataset["id"] for dataset in study["datasets"]["validation"]])
    members = [member["id"] for member in study["members"]]
    if study["baseline"] is not None and study["baseline"] not in members:
        yield f"baseline: {_not_among(study['baseline'], members)}"
    sizes = study["ensembles"]["sizes"]
    if sizes != "all" and max(sizes) > len(members):
        yield f"ensembles/sizes: {max(sizes)} is more than the {len(members)} members of the study"
    for position, member in enumerate(study["members"]):
        where = f"members/{position} ({member['id']})"
        if member["kind"] == "dino" and member["backbone"] not in (names := [b["id"] for b in study["backbones"]]):
            yield f"{where}/backbone: {_not_among(member['backbone'], names)}"
        if member["kind"] in ("supervised", "dino"):
            yield from (f"{where}/{text}" for text in _training_contradictions(member))
        if member["kind"] == "subnet":
            yield from (f"{where}/{text}" for text in _subnet_contradictions(member, study["supernets"]))
    yield from _repeated("supernets", [supernet["id"] for supernet in study["supernets"]])
    for position, supernet in enumerate(study["supernets"]):
        where = f"supernets/{position} ({supernet['id']})"
        yield from (f"{where}/{text}" for text in _supernet_contradictions(supernet, study["members"]))
    for position, backbone in enumerate(study["backbones"]):
        yield from (f"backbones/{position} ({backbone['id']})/{text}" for text in _backbone_contradictions(backbone))
    trained = study["backbones"] or study["supernets"] or any(m["kind"] in TRAINED for m in study["members"])
    yield from _dataset_contradictions(study["datasets"], bool(trained))
    yield from _prediction_contradictions(study)


def _prediction_contradictions(study: Study) -> Iterator[str]:
    """What members need of the images or files of the study."""
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    for position, member in enumerate(study["members"]):
        where = f"members/{position} ({member['id']})"
        if study["datasets"]["kind"] == "predictions" and member["kind"] != "predictions":
            yield f"{where}: a member of kind {member['kind']!r} needs images, which datasets of kind predictions lack"
        if member["kind"] != "predictions":
            continue
        if isinstance(member["file"], dict):
            lacking = [dataset for dataset in datasets if dataset not in member["file"]]
            yield from (f"{where}/file: no file for the validation set {dataset!r}" for dataset in lacking)
        elif len(datasets) > 1 and "{dataset}" not in member["file"]:
            count = len(datasets)
            yield f"{where}/file: one file for {count} validation sets; write {{dataset}} where their ids belong"


def _subnet_contradictions(member: Study, supernets: list[Study]) -> Iterator[str]:
    searched = {supernet["id"]: "search" in supernet["bootstrapNAS"] for supernet in supernets}
    if member["supernet"] not in searched:
        yield f"supernet: {_not_among(member['supernet'], searched)}"
    elif "search" in member["subnet"] and not searched[member["supernet"]]:
        yield f"subnet/search: the super-network {member['supernet']!r} has no section bootstrapNAS/search"
    if "search" in member["subnet"] and member["subnet"]["search"]["point"] > member["subnet"]["search"]["count"]:
        yield "subnet/search/point: is more than count"


def _supernet_contradictions(supernet: Study, members: list[Study]) -> Iterator[str]:
    trained = {member["id"]: member for member in members if member["kind"] == "supervised"}
    base = supernet["base"].get("member")
    architecture = trained[base]["architecture"] if base in trained else supernet["architecture"]
    if base is not None and base not in trained:
        yield f"base/member: {_not_among(base, trained)}"
    elif architecture["name"] != "resnet":
        yield f"base: the architecture is {architecture['name']!r}; sub-networks can be cut out of 'resnet' only"
    training = supernet["bootstrapNAS"]["training"]
    available = training["elasticity"]["available_elasticity_dims"]
    for number, stage in enumerate(training["schedule"]["list_stage_descriptions"]):
        for dimension in stage.get("train_dims", []):
            if dimension not in available:
                key = f"bootstrapNAS/training/schedule/list_stage_descriptions/{number}/train_dims"
                yield f"{key}: {_not_among(dimension, available)} (elasticity/available_elasticity_dims)"


def _training_contradictions(member: Study) -> Iterator[str]:
    if "architecture" in member:
        yield from _network_contradictions(member["architecture"])
    yield from _optimizer_contradictions(member["optimizer"])
    yield from _interval_contradictions("transforms", member["transforms"], "crop_scale", "crop_ratio")


def _backbone_contradictions(backbone: Study) -> Iterator[str]:
    network, views = backbone["architecture"], backbone["views"]
    yield from _network_contradictions(network)
    yield from _optimizer_contradictions(backbone["optimizer"])
    yield from _interval_contradictions("views", views, "global_scale", "local_scale")
    if network["name"] == "squeezenet":
        yield "architecture: squeezenet has no linear classifier that could be left out"
    if network["name"] == "deit" and views["local_size"] % network["patch_size"]:
        yield f"views/local_size: {views['local_size']} is not a multiple of the patch_size of {network['patch_size']}"


def _network_contradictions(network: Study) -> Iterator[str]:
    if network["name"] == "deit" and network["embedding"] % network["heads"]:
        yield f"architecture/embedding: {network['embedding']} is not a multiple of the {network['heads']} heads"


def _optimizer_contradictions(optimizer: Study) -> Iterator[str]:
    if optimizer.get("nesterov") and not optimizer["momentum"]:
        yield "optimizer/nesterov: needs a momentum above 0"


def _interval_contradictions(section: str, settings: Study, *keys: str) -> Iterator[str]:
    for key in keys:
        smallest, largest = settings[key]
        if smallest > largest:
            yield f"{section}/{key}: [{smallest}, {largest}] must have the smaller number first"


def _dataset_contradictions(datasets: Study, trained: bool) -> Iterator[str]:
    originals = [dataset["id"] for dataset in datasets["validation"] if "of" not in dataset]
    if "of" in datasets["validation"][0]:
        yield "datasets/validation/0: the first validation set must not be a corrupted one"
    for position, dataset in enumerate(datasets["validation"]):
        where = f"datasets/validation/{position} ({dataset['id']})"
        if dataset["id"] == "training":
            yield f"{where}: the id 'training' is taken by the training images"
        if "of" in dataset and dataset["of"] not in originals:
            yield f"{where}/of: {_not_among(dataset['of'], originals)}"
        if "corruption" in dataset and "of" not in dataset and dataset["layout"] != "imagenet-c":
            yield f"{where}: `corruption` needs `of`, or the layout imagenet-c"
        if dataset["layout"] == "imagenet-c" and "corruption" not in dataset:
            yield f"{where}: the layout imagenet-c needs a `corruption`"
        if (datasets["kind"] == "predictions") != bool(dataset["labels"]):
            yield f"{where}/labels: a file of labels belongs to datasets of kind predictions, and only to these"
        if datasets["kind"] == "predictions" and ("of" in dataset or dataset["folder"] or dataset["images"]):
            yield f"{where}: datasets of kind predictions have no images; remove `of`, `folder` and `images`"
        if "severity" in dataset and "corruption" not in dataset:
            yield f"{where}: `severity` needs a `corruption`"
        if "of" in dataset and (dataset["folder"] or dataset["images"]):
            yield f"{where}: a corrupted copy has the images of {dataset['of']!r}; remove `folder` and `images`"
    if datasets["resize"] is not None and datasets["resize"] < datasets["image_size"]:
        yield f"datasets/resize: {datasets['resize']} is smaller than the image_size of {datasets['image_size']}"
    if datasets["kind"] in ("image-folder", "imagenet"):
        folders = {"datasets/training": datasets["training"]["folder"]} if trained else {}
        folders |= {f"datasets/validation/{d['id']}": d["folder"] for d in datasets["validation"] if "of" not in d}
        yield from (
            f"{where}: missing folder (kind {datasets['kind']})" for where, folder in folders.items() if not folder
        )


def _repeated(where: str, names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{where}: the id {name!r} is used {names.count(name)} times"
