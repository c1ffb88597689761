"""The table of the members: architecture, size, costs and training of each."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.members.costs import COSTS
from scripts.lib.networks.architectures import build
from scripts.lib.networks.cost import count_macs, count_parameters, latency
from scripts.lib.networks.families import family_of

SCHEMA: dict[str, Any] = {
    "position": pl.UInt16,
    "member": pl.String,
    "kind": pl.String,
    "architecture": pl.String,
    "family": pl.String,
    "parameters": pl.Int64,
    "macs": pl.Int64,
    "latency_ms": pl.Float64,
    "image_size": pl.Int64,
    "crop": pl.Float64,
    "mean": pl.List(pl.Float64),
    "std": pl.List(pl.Float64),
    "epochs": pl.Int64,
    "training_images": pl.Int64,
    "seconds": pl.Float64,
    "device": pl.String,
    "recipe": pl.String,
}


def members_table(members: Sequence[dict[str, Any]], records: Mapping[str, dict[str, Any]]) -> pl.DataFrame:
    """One row per member, in the order of the study; operations and latency are for one image at the member's size.

    `family` is the architecture family that the study states, or the one that follows from the architecture.

    `records` has, by id, the record of a member's training or import, or that of its predictions if it was only run.
    A member with files of predictions may have neither: its costs are those that the study states, or null.
    """
    rows = [
        _row(member, records.get(member["id"], {}))
        | {"position": position, "member": member["id"], "kind": member["kind"]}
        | ({"family": member["family"]} if "family" in member else {})
        for position, member in enumerate(members)
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def _row(member: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    return _of_network(record) if isinstance(record.get("member"), dict) else _of_predictions(member, record)


def _of_network(record: dict[str, Any]) -> dict[str, Any]:
    member = record["member"]
    model, network = build(member, len(record["classes"])).model, member["architecture"]
    return {
        "architecture": network.get("model", network["name"]),  # models of a library have their own names
        "family": family_of(network),
        "parameters": count_parameters(model),
        "macs": count_macs(model, member["image_size"]),
        "latency_ms": latency(model, member["image_size"]),
        "image_size": member["image_size"],
        "crop": member.get("crop", 1.0),
        **{key: member["transforms"][key] for key in ("mean", "std")},
        "epochs": member.get("epochs"),  # not every kind is trained
        "training_images": record["training_images"],
        "seconds": record["seconds"],
        "device": record["device"],
        "recipe": json.dumps(member),
    }


def _of_predictions(member: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """Costs that the study states take precedence over measured ones."""
    stated = {key: member[key] for key in COSTS if member.get(key) is not None}
    view = {key: record[key] for key in ("image_size", "crop") if key in record} | record.get("transforms", {})
    costs = {key: record.get(key) for key in COSTS} | stated
    return {**costs, **view, "recipe": json.dumps(member)}
