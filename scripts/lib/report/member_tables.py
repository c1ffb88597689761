"""The report's tables of members: size and training, sub-networks, accuracies."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from scripts.lib.jobs.storage import load_json
from scripts.lib.report.labels import in_words, missing, plain, signed
from scripts.lib.report.tables import Table, duration, millions, whole

POINTS_AS_EXPECTED = 1.0


def table_of_members(members: pl.DataFrame) -> Table:
    """Architecture, size and training of each member."""
    header = [
        "Member",
        "Kind",
        "Architecture",
        "Family",
        "Device",
        "Parameters (M)",
        "MACs (M)",
        "Latency (ms)",
        "Image (px)",
        "Images",
        "Epochs",
    ]
    rows = [
        [
            row["member"],
            row["kind"],
            row["architecture"] or "–",
            row["family"] or "–",
            row["device"] or "–",
            millions(row["parameters"]),
            millions(row["macs"]),
            "–" if missing(row["latency_ms"]) else plain(row["latency_ms"], 1),
            whole(row["image_size"]),
            whole(row["training_images"]),
            whole(row["epochs"]),
            duration(row["seconds"]),
        ]
        for row in members.sort("position").iter_rows(named=True)
    ]
    return Table(
        "Members: size, cost (latency of one image on the CPU) and training",
        [*header, "Training"],
        rows,
        text_columns=5,
    )


def subnet_records(folder: Path, study: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The records of the members that were cut out of a super-network."""
    members = [member["id"] for member in study["members"] if "supernet" in member]
    return {member: load_json(folder / "checkpoints" / f"{member}.json") for member in members}


def subnets_table(folder: Path, study: Mapping[str, Any]) -> Table | None:
    """Blocks, widths and size of each sub-network, with those of the super-network in brackets."""
    rows = []
    for member, record in subnet_records(folder, study).items():
        network, details = record["member"]["architecture"], record["subnet"]
        small, whole = details["subnet"], details["supernet"]
        sizes = [f"{millions(small[key])} ({millions(whole[key])})" for key in ("parameters", "macs")]
        widths = "-".join(map(str, network["widths"]))
        latency = f"{plain(small['latency_ms'], 1)} ({plain(whole['latency_ms'], 1)})"
        blocks = "-".join(map(str, network["layers"]))
        rows.append([member, record["member"]["supernet"], blocks, str(network["stem"]), widths, *sizes, latency])
    header = ["Member", "Super-network", "Blocks", "Stem", "Widths", "Parameters (M)", "MACs (M)", "Latency (ms)"]
    caption = "Sub-networks (values of the super-network in brackets); latency of one image on the CPU"
    return Table(caption, header, rows, text_columns=3) if rows else None


def remarks_table(folder: Path, study: Mapping[str, Any]) -> Table | None:
    """Parts of a sub-network's notation that have no counterpart or were repaired; one row per remark."""
    said: dict[str, list[str]] = {}
    for member, record in subnet_records(folder, study).items():
        for remark in record["subnet"]["remarks"]:
            said.setdefault(remark, []).append(member)
    rows = [[", ".join(members), remark] for remark, members in said.items()]
    return Table("Remarks on the sub-networks' notation", ["Members", "Remark"], rows, text_columns=2) if rows else None


def accuracies_table(accuracies: Mapping[str, pl.DataFrame]) -> Table:
    """One row per member, one column per dataset."""
    cells: dict[str, list[str]] = {}
    for table in accuracies.values():
        for row in table.sort("position").iter_rows(named=True):
            text = f"{plain(row['accuracy'], 1)} ({plain(row['low'], 1)}–{plain(row['high'], 1)})"
            cells.setdefault(row["member"], []).append(text)
    rows = [[member, *texts] for member, texts in cells.items()]
    caption = "Top-1 accuracy of each member in % (95 % interval)"
    return Table(caption, ["Member", *map(in_words, accuracies)], rows)


def scores_tables(accuracies: Mapping[str, pl.DataFrame]) -> Iterable[Table]:
    """Proper scores and calibration of each member beside its accuracy, one table per dataset."""
    header = ["Member", "Accuracy (%)", "NLL (nats)", "Clipped samples", "Brier score", "Calibration error (ECE)"]
    for dataset, table in accuracies.items():
        rows = [
            [
                row["member"],
                plain(row["accuracy"], 1),
                plain(row["nll"], 3),
                whole(row["nll_clipped"]),
                plain(row["brier"], 3),
                plain(row["ece"], 3),
            ]
            for row in table.sort("position").iter_rows(named=True)
        ]
        yield Table(f"Accuracy and probabilities of each member on {in_words(dataset)}", header, rows)


def expectations_table(members: Sequence[Mapping[str, Any]], clean: pl.DataFrame) -> Iterable[Table]:
    """Members whose accuracy on the first dataset is more than a point away from what the study expects."""
    reached = dict(zip(clean["member"], clean["accuracy"], strict=True))
    expected = {member["id"]: member["expected_top1"] for member in members if "expected_top1" in member}
    differences = {name: reached[name] - value for name, value in expected.items()}
    rows = [
        [name, plain(reached[name], 1), plain(expected[name], 1), signed(difference, 1)]
        for name, difference in differences.items()
        if abs(difference) > POINTS_AS_EXPECTED
    ]
    if rows:
        header = ["Member", "Measured (%)", "Expected (%)", "Difference (points)"]
        caption = "Members whose accuracy differs by more than one percentage point from the expected top-1 accuracy"
        yield Table(caption, header, rows)
