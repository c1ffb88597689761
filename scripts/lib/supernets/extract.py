"""Cuts sub-networks out of a trained super-network, as ordinary networks. NNCF is not needed."""

import time
from dataclasses import dataclass
from typing import Any

import polars as pl
import torch

from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log
from scripts.lib.jobs.storage import load_table, save_json
from scripts.lib.networks.architectures import build, to_device
from scripts.lib.networks.cost import count_macs, count_parameters, latency
from scripts.lib.networks.resnet import full_widths
from scripts.lib.networks.weights import read_weights, save_weights
from scripts.lib.supernets.batch_norm import adaptation_batches, recalibrate
from scripts.lib.supernets.notation import Config, architecture_of, checked, from_ofa
from scripts.lib.training.state import make_record


@dataclass(frozen=True)
class TrainedSupernet:
    """A trained super-network: the path of its weights, its record, and the path of its search's table, if any."""

    weights: str
    record: dict[str, Any]
    search: str | None


def extract_subnet(
    member: dict[str, Any],
    supernet: TrainedSupernet,
    training: ImageSet,
    device: torch.device,
    weights: str,
    record: str,
) -> None:
    """Write weights and record of a member that is a sub-network of `supernet`.

    Batch norm is recalibrated on the member's number of training images. The record's `member` describes an ordinary
    network; `subnet` says how it was made, with remarks. Raises StudyError for anything that the super-network lacks.
    """
    start = time.perf_counter()
    whole = supernet.record
    settings, classes = whole["member"], len(whole["classes"])
    where = f"members/{member['id']}"
    try:
        config, remarks = chosen_config(member["subnet"], whole, supernet.search)
    except StudyError as error:
        raise StudyError(f"{where}/{error}") from None
    base = full_widths(settings["architecture"])
    architecture, kept = architecture_of(config, whole["space"], base)
    complete = member | {"architecture": architecture} | {key: settings[key] for key in ("image_size", "transforms")}
    model = build(complete, classes).model
    model.load_state_dict(cut(read_weights(supernet.weights), model.state_dict(), kept))
    to_device(model, device)
    images = member["batch_norm_images"]
    if images > len(training):
        raise StudyError(f"{where}/batch_norm_images: is {images}, but there are only {len(training)} training images.")
    if images:
        sizes = {"batch_size": settings["batch_size"], "seed": member["seed"]}
        recalibrate(model, adaptation_batches(training, complete | sizes, images, device))
    save_weights(model, weights)
    details = {
        "supernet": member["supernet"],
        "config": config,
        "blocks": kept,
        "remarks": remarks,
        **sizes_and_latencies(complete, settings, classes),
    }
    content = make_record(complete, whole["classes"], whole["training_images"], [], device, weights)
    save_json(record, content | {"subnet": details, "seconds": time.perf_counter() - start})
    for remark in remarks:
        log.info("%s: %s", member["id"], remark)


def chosen_config(subnet: dict[str, Any], supernet: dict[str, Any], search: str | None) -> tuple[Config, list[str]]:
    """The configuration that a member's `subnet` describes, in NNCF's notation, and remarks about it."""
    space = supernet["space"]
    if "ofa" in subnet:
        return from_ofa(subnet["ofa"], space, supernet["member"]["architecture"]["layers"])
    if "nncf" in subnet:
        return checked(subnet["nncf"], space), []
    return from_search(load_table(str(search)), subnet["search"])


def from_search(found: pl.DataFrame, asked: dict[str, Any]) -> tuple[Config, list[str]]:
    """The `point`-th of `count` sub-networks that are spread evenly over the front, from few operations to many."""
    front, count, point = found.filter(pl.col("pareto")).sort("macs"), asked["count"], asked["point"]
    if len(front) < count:
        raise StudyError(
            f"subnet/search/count: is {count}, but the Pareto front of the search has only "
            f"{len(front)} sub-networks. Lower count, or raise num_evals of the search."
        )
    place_on_front = round((point - 1) * (len(front) - 1) / max(count - 1, 1)) if count > 1 else len(front) - 1
    row = front.row(place_on_front, named=True)
    remark = (
        f"Point {place_on_front + 1} of the {len(front)} on the Pareto front: {row['accuracy']:.1f} % on the images "
        f"held out of the super-network's training."
    )
    return {"depth": row["depth"], "width": {str(group): width for group, width in enumerate(row["width"])}}, [remark]


def cut(
    weights: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], kept: list[list[int]]
) -> dict[str, torch.Tensor]:
    """The tensors of the sub-network: the first filters of each tensor, because NNCF sorted them by importance.

    `expected` has the names and shapes; `kept` the blocks of the super-network that each stage keeps.
    """
    found = {}
    for name, tensor in expected.items():
        parts = name.split(".")
        if parts[0].startswith("layer"):
            parts[1] = str(kept[int(parts[0].removeprefix("layer")) - 1][int(parts[1])])
        found[name] = weights[".".join(parts)][tuple(slice(size) for size in tensor.shape)].clone()
    return found


def sizes_and_latencies(member: dict[str, Any], settings: dict[str, Any], classes: int) -> dict[str, Any]:
    """Parameters, operations and CPU latency of the sub-network, and of the whole super-network for comparison."""
    found: dict[str, Any] = {}
    for name, network in (("subnet", member), ("supernet", settings)):
        model = build(network, classes).model
        found[name] = {
            "parameters": count_parameters(model),
            "macs": count_macs(model, network["image_size"]),
            "latency_ms": latency(model, network["image_size"]),
        }
    return found
