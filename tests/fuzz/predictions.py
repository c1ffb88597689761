"""Files of predictions: every dialect, every type of array, and damaged bytes."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from scripts.lib.reading.align_predictions import logits_of_file
from scripts.lib.reading.class_columns import IN_THEIR_ORDER
from tests.fuzz import independent
from tests.fuzz.cases import ACCEPTED, INTENTION, REFUSED, Case, Refusal, Target, attempt, intention_of, refused_for
from tests.fuzz.dialects import TYPES, array_layouts, as_parquet, csv_dialects, npy, npz
from tests.fuzz.independent import Doubtful
from tests.fuzz.mutations import damaged
from tests.fuzz.tables import Draw, Table, columns_of, layouts, tables

READERS: dict[str, Callable[[bytes], independent.Found]] = {
    "csv": independent.predictions_csv,
    "npz": independent.predictions_npz,
    "npy": independent.predictions_npy,
}


def intention(table: Table, form: str, plain: bool, values: str, **more: Any) -> bytes:
    """What a file of predictions is meant to say, as intention.json."""
    content = {
        "file": f"m.{form}",
        "samples": table.samples,
        "classes": table.classes,
        "values": table.values,
        "kind": table.kind,
        "stated": values,
        "plain": plain,
        **more,
    }
    return json.dumps(content).encode()


@st.composite
def csv_cases(draw: Draw) -> Case:
    table = draw(tables())
    columns, dialect = columns_of(table, draw(layouts(table))), draw(csv_dialects())
    stated = draw(st.sampled_from(["auto", "auto", table.kind]))
    plain = columns.plain and dialect.plain
    return {INTENTION: intention(table, "csv", plain, stated), "m.csv": dialect(columns.columns)}


@st.composite
def parquet_cases(draw: Draw) -> Case:
    table = draw(tables())
    columns = columns_of(table, draw(layouts(table)))
    types = draw(st.sampled_from(["", "", "float32", *TYPES]))
    content, plain = as_parquet(columns, types)
    return {INTENTION: intention(table, "parquet", plain, "auto"), "m.parquet": content}


@st.composite
def array_cases(draw: Draw) -> Case:
    """.npz with ids and names or without; .npy, with ids from another file or without."""
    table, layout = draw(tables()), draw(array_layouts())
    form = draw(st.sampled_from(["npz", "npy"]))
    has_ids, has_names = layout.ids and form == "npz", layout.names and form == "npz"
    rows = draw(st.permutations(range(len(table.samples)))) if layout.ids else range(len(table.samples))
    order = draw(st.permutations(range(len(table.classes)))) if has_names else range(len(table.classes))
    arrays = layout.arrays(table, rows, order)
    if layout.dtype in ("f2", "i4", "u1"):  # what was written is what was meant
        table = replace(table, values=np.array(table.values).astype(layout.dtype).astype(float).tolist())
    plain = table.plain and layout.plain and not (form == "npy" and layout.dtype == "F")
    # A class called 0 or class_0 in a list of names is a name; nothing is taken by its place.
    ids = None if has_ids or not layout.ids else [table.samples[row] for row in rows]
    content = npz(arrays, layout.compressed) if form == "npz" else npy(arrays[layout.key])
    return {INTENTION: intention(table, form, plain, table.kind, ids=ids), f"m.{form}": content}


def check(folder: Path) -> str:
    """The logits are those that were meant (of a damaged file: those that an independent reader finds)."""
    meant = intention_of(folder)
    path = folder / meant["file"]
    member = {"id": "m", "values": meant["stated"], "classes": None, "samples": None}
    result = attempt(
        lambda: logits_of_file(str(path), member, "clean", meant["samples"], meant["classes"], meant.get("ids")),
        path.name,
    )
    if "damaged" not in meant:
        expected = np.array(meant["values"])
        if meant["kind"] == "probabilities":
            expected = np.log(np.maximum(expected, 1e-30))
    elif path.suffix == ".parquet":
        return _unconfirmed(result, meant)
    else:
        try:
            expected = _independent(path, meant)
        except Doubtful as doubt:
            if not isinstance(result, Refusal) and IN_THEIR_ORDER in result[1].get("remarks", ()):
                return ACCEPTED  # headings that are not numbers any more: the remark says how they were taken
            return refused_for(doubt, result)
    if isinstance(result, Refusal):
        assert not (meant["plain"] and "damaged" not in meant), f"refused: {result.message}"
        return REFUSED
    logits, details = result
    assert logits.dtype == np.float32
    assert logits.shape == expected.shape
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5, err_msg=f"read as {details['values']}")
    return ACCEPTED


def _independent(path: Path, meant: dict[str, Any]) -> np.ndarray:
    found = READERS[path.suffix[1:]](path.read_bytes())
    samples = found.samples if found.samples is not None else meant.get("ids")
    found = independent.Found(found.values, samples, found.classes)
    return independent.logits_of(found, meant["samples"], meant["classes"], meant["stated"])


def _unconfirmed(result: Any, meant: dict[str, Any]) -> str:
    """Nothing here but polars reads Parquet: of a damaged file, only the shape of what is accepted is known."""
    if isinstance(result, Refusal):
        return REFUSED
    assert result[0].shape == (len(meant["samples"]), len(meant["classes"]))
    assert np.isfinite(result[0]).all()
    return ACCEPTED


TARGETS = [
    Target("csv", csv_cases(), check),
    Target("csv-damaged", damaged(csv_cases()), check),
    Target("parquet", parquet_cases(), check),
    Target("parquet-damaged", damaged(parquet_cases()), check),
    Target("arrays", array_cases(), check),
    Target("arrays-damaged", damaged(array_cases()), check),
]
