"""Checks of a study that a schema cannot express: unique or known names, and values that must fit each other."""

from collections.abc import Iterator
from typing import Any

from scripts.lib.datasets.spec import DATASET_KINDS
from scripts.lib.datasets.spec import kind_of as kind_of_datasets
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS, averaging
from scripts.lib.ensembles.sizes import evaluated_ensembles
from scripts.lib.jobs.errors import listing, not_among
from scripts.lib.members.contradictions import (
    interval_contradictions,
    network_contradictions,
    optimizer_contradictions,
    patch_contradictions,
)
from scripts.lib.members.costs import COSTS
from scripts.lib.members.spec import kind_of
from scripts.lib.study.groups import group_contradictions

Study = dict[str, Any]


def contradictions(study: Study, trained: bool) -> Iterator[str]:
    """Each contradiction in a study that the schema accepts; `trained` says whether the study trains anything."""
    yield from _repeated("members", [member["id"] for member in study["members"]])
    yield from _repeated("backbones", [backbone["id"] for backbone in study["backbones"]])
    yield from _repeated("datasets/validation", [dataset["id"] for dataset in study["datasets"]["validation"]])
    members = [member["id"] for member in study["members"]]
    if study["baseline"] is not None and study["baseline"] not in members:
        yield f"baseline: {not_among(study['baseline'], members)}"
    sizes = study["ensembles"]["sizes"]
    if sizes != "all" and max(sizes) > len(members):
        yield f"ensembles/sizes: {max(sizes)} is more than the {len(members)} members of the study"
    yield from _unaffordable_consensus(study["ensembles"], len(members))
    yield from _impossible_choices(study)
    datasets = kind_of_datasets(study["datasets"])
    for position, member in enumerate(study["members"]):
        where = f"members/{position} ({member['id']})"
        kind = kind_of(member)
        yield from (f"{where}/{text}" for text in kind.contradictions(member, study))
        if kind.needs_images and not datasets.has_images:
            yield f"{where}: a member of kind {kind.name!r} needs images; datasets of kind {datasets.name} have none"
    yield from _repeated("supernets", [supernet["id"] for supernet in study["supernets"]])
    for position, supernet in enumerate(study["supernets"]):
        where = f"supernets/{position} ({supernet['id']})"
        yield from (f"{where}/{text}" for text in _supernet_contradictions(supernet, study["members"]))
    for position, backbone in enumerate(study["backbones"]):
        yield from (f"backbones/{position} ({backbone['id']})/{text}" for text in _backbone_contradictions(backbone))
    yield from _repeated("groups", [group["id"] for group in study["groups"]])
    yield from group_contradictions(study)
    yield from dataset_contradictions(study["datasets"], trained)


def _unaffordable_consensus(ensembles: Study, members: int) -> Iterator[str]:
    """Methods whose ensembles share no work are for studies of few ensembles."""
    count = evaluated_ensembles(members, ensembles["sizes"], ensembles["per_size"])
    for method in (CONSENSUS_METHODS[name] for name in ensembles["consensus"]):
        where = f"ensembles/consensus: {method.name!r} computes each ensemble on its own, for"
        if count > method.most_ensembles:
            yield (
                f"{where} up to {method.most_ensembles} of them; the study has {count}. Remove it, or state fewer "
                "`sizes` (or a smaller `per_size`, where ensembles are drawn)"
            )
        elif members > (method.most_members or members):
            yield f"{where} up to {method.most_members} members; the study has {members}. Remove it"


def _impossible_choices(study: Study) -> Iterator[str]:
    consensus, settings = study["ensembles"]["consensus"], study["deployment"]
    averages = bool(averaging(consensus))
    for metric in settings["metrics"] or []:
        if metric != "accuracy" and not averages:
            yield (
                f"deployment/metrics: {metric!r} judges probabilities, which {', '.join(consensus)} does not give. Add "
                "'average' to ensembles/consensus, or choose by 'accuracy'"
            )
    for name in (name for name in settings["budget"] if name in COSTS):
        unknown = [member["id"] for member in study["members"] if member.get(name, 0) is None]
        if unknown:
            yield (
                f"deployment/budget/{name}: {name} is not known for {listing(unknown)}. State it there (key `{name}`), "
                "or remove it from the budget"
            )
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    for name in (name for name in settings["over"] if name != "clean"):
        if len(datasets) < 2:
            yield f"deployment/over: {name!r} needs several validation sets; the study has one"
        if name in datasets:
            yield f"deployment/over: {name!r} is also the id of a validation set. Give the set another id"


def _supernet_contradictions(supernet: Study, members: list[Study]) -> Iterator[str]:
    trained = {member["id"]: member for member in members if member["kind"] == "supervised"}
    base = supernet["base"].get("member")
    architecture = trained[base]["architecture"] if base in trained else supernet["architecture"]
    if base is not None and base not in trained:
        yield f"base/member: {not_among(base, trained)}"
    elif architecture["name"] != "resnet":
        yield f"base: the architecture is {architecture['name']!r}; sub-networks can be cut out of 'resnet' only"
    training = supernet["bootstrapNAS"]["training"]
    available = training["elasticity"]["available_elasticity_dims"]
    for number, stage in enumerate(training["schedule"]["list_stage_descriptions"]):
        for dimension in stage.get("train_dims", []):
            if dimension not in available:
                key = f"bootstrapNAS/training/schedule/list_stage_descriptions/{number}/train_dims"
                yield f"{key}: {not_among(dimension, available)} (elasticity/available_elasticity_dims)"


def _backbone_contradictions(backbone: Study) -> Iterator[str]:
    network, views = backbone["architecture"], backbone["views"]
    yield from network_contradictions(network)
    yield from optimizer_contradictions(backbone["optimizer"])
    yield from interval_contradictions("views", views, "global_scale", "local_scale")
    if network["name"] == "squeezenet":
        yield "architecture: squeezenet has no linear classifier that could be removed"
    yield from patch_contradictions(network, "image_size", backbone["image_size"])
    yield from patch_contradictions(network, "views/local_size", views["local_size"])


def dataset_contradictions(datasets: Study, trained: bool) -> Iterator[str]:
    """The contradictions within the section `datasets`."""
    kind = kind_of_datasets(datasets)
    originals = [dataset["id"] for dataset in datasets["validation"] if "of" not in dataset]
    if "of" in datasets["validation"][0]:
        yield "datasets/validation/0: the first validation set must not be a corrupted copy"
    for position, dataset in enumerate(datasets["validation"]):
        where = f"datasets/validation/{position} ({dataset['id']})"
        if dataset["id"] == "training":
            yield f"{where}: the id 'training' is reserved for the training images"
        if "of" in dataset and dataset["of"] not in originals:
            yield f"{where}/of: {not_among(dataset['of'], originals)}"
        if "corruption" in dataset and "of" not in dataset and not kind.is_corrupted(dataset):
            yield f"{where}: `corruption` needs `of`, or the layout imagenet-c"
        yield from kind.contradictions(dataset, where)
        yield from (
            f"{where}/{key}: is a key of datasets of kind {other.name} only; remove it"
            for other in DATASET_KINDS.values()
            for key, default in other.own_keys.items()
            if key not in kind.own_keys and dataset[key] != default
        )
        if "severity" in dataset and "corruption" not in dataset:
            yield f"{where}: `severity` needs a `corruption`"
        if "of" in dataset and (dataset["folder"] or dataset["images"]):
            yield f"{where}: a corrupted copy has the images of {dataset['of']!r}; remove `folder` and `images`"
    if datasets["resize"] is not None and datasets["resize"] < datasets["image_size"]:
        yield f"datasets/resize: {datasets['resize']} is smaller than the image_size of {datasets['image_size']}"
    yield from _folders_without_meaning(datasets)
    if kind.folders:
        folders = {"datasets/training": datasets["training"]["folder"]} if trained else {}
        folders |= {f"datasets/validation/{d['id']}": d["folder"] for d in datasets["validation"] if "of" not in d}
        yield from (f"{where}: missing folder (kind {kind.name})" for where, folder in folders.items() if not folder)


def _folders_without_meaning(datasets: Study) -> Iterator[str]:
    """Folders that would not be read: the images would be others than the user believes."""
    kind, folders = kind_of_datasets(datasets), {}
    if not kind.raw_files:
        folders["datasets/folder"] = datasets["folder"]
    if not kind.folders:
        folders["datasets/training/folder"] = datasets["training"]["folder"]
    if not kind.folders and kind.has_images:
        plain = ((place, each) for place, each in enumerate(datasets["validation"]) if "of" not in each)
        folders |= {f"datasets/validation/{place} ({each['id']})/folder": each["folder"] for place, each in plain}
    for where in (where for where, folder in folders.items() if folder):
        yield f"{where}: datasets of kind {kind.name} do not read it; remove it, or state another `datasets/kind`"


def _repeated(where: str, names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{where}: the id {name!r} is used {names.count(name)} times"
