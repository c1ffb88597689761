"""The table of the members: what each is, how large, and how it was trained."""

import json
from typing import Any

import polars as pl

from scripts.lib.members import build, count_macs, count_parameters

SCHEMA = {
    "position": pl.UInt16,
    "member": pl.String,
    "kind": pl.String,
    "architecture": pl.String,
    "parameters": pl.Int64,
    "macs": pl.Int64,
    "image_size": pl.Int64,
    "epochs": pl.Int64,
    "training_images": pl.Int64,
    "seconds": pl.Float64,
    "device": pl.String,
    "recipe": pl.String,
}


def members_table(records: list[dict[str, Any]]) -> pl.DataFrame:
    """One row a training record, in the order of the study; operations are for one image at the member's size."""
    return pl.DataFrame([_row(position, record) for position, record in enumerate(records)], schema=SCHEMA)


def _row(position: int, record: dict[str, Any]) -> dict[str, Any]:
    member = record["member"]
    model = build(member, len(record["classes"])).model
    return {
        "position": position,
        "member": member["id"],
        "kind": member["kind"],
        "architecture": member["architecture"]["name"],
        "parameters": count_parameters(model),
        "macs": count_macs(model, member["image_size"]),
        "image_size": member["image_size"],
        "epochs": member.get("epochs"),  # not every kind is trained
        "training_images": record["training_images"],
        "seconds": record["seconds"],
        "device": record["device"],
        "recipe": json.dumps(member),
    }
