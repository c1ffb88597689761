"""A whole study of files, from the study to the arrays that all later jobs read; each file in a dialect of its own."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from scripts.lib.datasets.labelled_samples import make_labelled_samples
from scripts.lib.jobs.storage import load_json, load_lines
from scripts.lib.reading.align_predictions import import_predictions
from scripts.lib.reading.class_columns import IN_THEIR_ORDER
from scripts.lib.study.resolve import resolve
from tests.fuzz.cases import ACCEPTED, INTENTION, REFUSED, Case, Refusal, Target, attempt, intention_of
from tests.fuzz.dialects import array_layouts, as_parquet, csv_dialects, npy, npz
from tests.fuzz.tables import Column, Draw, Table, columns_of, layouts, tables, values_of


@st.composite
def zoo_cases(draw: Draw) -> Case:
    """Labels, and two or three members, each in a form of its own."""
    table = draw(tables())
    given = draw(st.booleans())
    by_name = draw(st.booleans())
    # The class 0 of columns `11` … `0` is the last of them where no names are given, not the first that is meant.
    assume(given or by_name or table.classes[0] != "11")
    numbers = [draw(st.integers(0, len(table.classes) - 1)) for _ in table.samples]
    columns: list[Column] = [
        (draw(st.sampled_from(["sample", "id"])), table.samples),
        ("label", [table.classes[number] if by_name else number for number in numbers]),
    ]
    odd = draw(st.integers(-1, 4))  # which of the files may be in no plain form: the labels, a member or none
    files, members = {"labels.csv": draw(csv_dialects(odd == -1))(columns)}, []
    for position in range(draw(st.integers(2, 3))):
        values = values_of(draw(st.integers(0, 1000)), len(table.samples), len(table.classes), table.kind)
        any_order = by_name or given or position > 0
        file = draw(_members(replace(table, values=values), any_order, position == odd))
        files[f"m{position}.{file[0]}"] = file[1]
        members.append({"file": f"m{position}.{file[0]}", "values": values})
    meant = {
        "samples": table.samples,
        "classes": table.classes,
        "class_names": table.classes if given else None,
        "labels": numbers,
        "kind": table.kind,
        "members": members,
        "pattern": draw(st.booleans()),
    }
    return {INTENTION: json.dumps(meant).encode(), **files}


@st.composite
def _members(draw: Draw, table: Table, any_order: bool, odd: bool) -> tuple[str, bytes]:
    """Form and content of one member's file. Numbers as labels mean the columns of the first member in their order."""
    form = draw(st.sampled_from(["csv", "csv", "parquet", "npz", "npy"]))
    layout = draw(layouts(table, odd))
    order: Sequence[int] = layout.classes if any_order else range(len(table.classes))
    if form in ("csv", "parquet"):
        columns = columns_of(table, replace(layout, classes=order))
        return form, draw(csv_dialects(odd))(columns.columns) if form == "csv" else as_parquet(columns, "")[0]
    arrays = draw(array_layouts(odd).filter(lambda layout: layout.dtype not in ("f2", "i4", "u1")))
    in_order = range(len(table.classes))
    rows = layout.rows if form == "npz" and arrays.ids and layout.ids else range(len(table.samples))
    found = arrays.arrays(table, rows, order if form == "npz" and arrays.names else in_order)
    return form, npz(found) if form == "npz" else npy(found[arrays.key])


def check(folder: Path) -> str:
    """Every sample's label and every member's values for every class are those that were meant."""
    meant = intention_of(folder)
    names = [member["file"] for member in meant["members"]]
    result = attempt(lambda: run(folder, meant, names), "labels.csv", *names, "members/")
    if isinstance(result, Refusal):
        return REFUSED
    samples, classes = (meant[key] for key in ("samples", "classes"))
    found_samples, found_classes = load_lines(folder / "samples.txt"), load_json(folder / "classes.json")
    assert sorted(found_samples) == sorted(samples)
    rows = [samples.index(sample) for sample in found_samples]
    named = sorted(found_classes) == sorted(classes)
    numbered = found_classes == [str(number) for number in range(len(classes))]
    assert named or numbered, found_classes
    order = [classes.index(name) if named else number for number, name in enumerate(found_classes)]
    labels = [order[label] for label in np.load(folder / "labels.npy")]
    assert labels == [meant["labels"][row] for row in rows]
    for member, path in zip(meant["members"], result, strict=True):
        if numbered and IN_THEIR_ORDER in load_json(path.with_suffix(".json"))["remarks"]:
            continue  # names that could not be compared with numbers: the record and the log say how they were taken
        values = np.array(member["values"])[rows][:, order]
        expected = np.log(np.maximum(values, 1e-30)) if meant["kind"] == "probabilities" else values
        np.testing.assert_allclose(np.load(path), expected, rtol=1e-2, atol=1e-2, err_msg=member["file"])
    return ACCEPTED


def run(folder: Path, meant: dict[str, Any], names: Sequence[str]) -> list[Path]:
    """What the workflow does: the study, the labels, all files of predictions. Returns the members' arrays."""
    entries = [{"id": name.split(".")[0], "kind": "predictions", "file": str(folder / name)} for name in names]
    study = resolve(
        {
            "name": "fuzz",
            "datasets": {
                "kind": "predictions",
                "class_names": meant["class_names"],
                "validation": [{"id": "clean", "labels": str(folder / "labels.csv")}],
            },
            "members": [{"from": str(folder / "m*.*")}] if meant["pattern"] else entries,
            "measures": ["disagreement"],
        }
    )
    members, [dataset] = study["members"], study["datasets"]["validation"]
    outputs = [str(folder / name) for name in ("labels.npy", "samples.txt", "classes.json", "record.json")]
    make_labelled_samples(dataset, study["datasets"]["class_names"], members[0], *outputs)
    files = [member["file"] for member in members]
    imported = str(folder / "out" / "imported" / "clean.json")
    folder = folder / "out" / "predictions" / "clean"
    import_predictions(members, files, "clean", *outputs[1:3], folder, imported, outputs[3])
    return [folder / f"{member['id']}.npy" for member in members]


TARGETS = [Target("zoo", zoo_cases(), check)]
