"""What a schema cannot say of a study: names that must be unique or known, and values that must fit each other."""

from collections.abc import Iterator
from typing import Any

from scripts.lib.datasets.spec import DATASET_KINDS, kind_of
from scripts.lib.study.messages import not_among

Study = dict[str, Any]


def contradictions(study: Study, trained: bool) -> Iterator[str]:
    """Each contradiction of a study that the schema allows; `trained` says whether anything is trained in it."""
    yield from _repeated("members", [member["id"] for member in study["members"]])
    yield from _repeated("backbones", [backbone["id"] for backbone in study["backbones"]])
    yield from _repeated("datasets/validation", [dataset["id"] for dataset in study["datasets"]["validation"]])
    members = [member["id"] for member in study["members"]]
    if study["baseline"] is not None and study["baseline"] not in members:
        yield f"baseline: {not_among(study['baseline'], members)}"
    sizes = study["ensembles"]["sizes"]
    if sizes != "all" and max(sizes) > len(members):
        yield f"ensembles/sizes: {max(sizes)} is more than the {len(members)} members of the study"
    for position, member in enumerate(study["members"]):
        where = f"members/{position} ({member['id']})"
        if member["kind"] == "dino" and member["backbone"] not in (names := [b["id"] for b in study["backbones"]]):
            yield f"{where}/backbone: {not_among(member['backbone'], names)}"
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
    yield from dataset_contradictions(study["datasets"], trained)
    yield from _prediction_contradictions(study)


def _prediction_contradictions(study: Study) -> Iterator[str]:
    """What members need of the images or files of the study."""
    datasets = [dataset["id"] for dataset in study["datasets"]["validation"]]
    for position, member in enumerate(study["members"]):
        where = f"members/{position} ({member['id']})"
        if not kind_of(study["datasets"]).has_images and member["kind"] != "predictions":
            kind = study["datasets"]["kind"]
            yield f"{where}: a member of kind {member['kind']!r} needs images, which datasets of kind {kind} lack"
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
        yield f"supernet: {not_among(member['supernet'], searched)}"
    elif "search" in member["subnet"] and not searched[member["supernet"]]:
        yield f"subnet/search: the super-network {member['supernet']!r} has no section bootstrapNAS/search"
    if "search" in member["subnet"] and member["subnet"]["search"]["point"] > member["subnet"]["search"]["count"]:
        yield "subnet/search/point: is more than count"


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


def dataset_contradictions(datasets: Study, trained: bool) -> Iterator[str]:
    """What contradicts each other in the section `datasets` alone."""
    kind = kind_of(datasets)
    originals = [dataset["id"] for dataset in datasets["validation"] if "of" not in dataset]
    if "of" in datasets["validation"][0]:
        yield "datasets/validation/0: the first validation set must not be a corrupted one"
    for position, dataset in enumerate(datasets["validation"]):
        where = f"datasets/validation/{position} ({dataset['id']})"
        if dataset["id"] == "training":
            yield f"{where}: the id 'training' is taken by the training images"
        if "of" in dataset and dataset["of"] not in originals:
            yield f"{where}/of: {not_among(dataset['of'], originals)}"
        if "corruption" in dataset and "of" not in dataset and not kind.is_corrupted(dataset):
            yield f"{where}: `corruption` needs `of`, or the layout imagenet-c"
        yield from kind.contradictions(dataset, where)
        yield from (
            f"{where}/{key}: belongs to datasets of kind {other.name}, and only to these; remove it"
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
    if kind.folders:
        folders = {"datasets/training": datasets["training"]["folder"]} if trained else {}
        folders |= {f"datasets/validation/{d['id']}": d["folder"] for d in datasets["validation"] if "of" not in d}
        yield from (f"{where}: missing folder (kind {kind.name})" for where, folder in folders.items() if not folder)


def _repeated(where: str, names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{where}: the id {name!r} is used {names.count(name)} times"
