"""Files of labels and ids: what the later jobs read of them is what was meant."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from scripts.lib.labelled_samples import make_labelled_samples
from scripts.lib.storage import load_lines
from tests.fuzz import independent
from tests.fuzz.cases import ACCEPTED, INTENTION, REFUSED, Case, Refusal, Target, attempt, intention_of, refused_for
from tests.fuzz.dialects import Csv, csv_dialects, npy, parquet
from tests.fuzz.independent import Doubtful
from tests.fuzz.mutations import damaged
from tests.fuzz.tables import Column, Draw, tables

# How a label is written: by the class's name or its number from 0. The rest may be refused.
PLAIN_LABELS: dict[str, Callable[[int, str], Any]] = {"name": lambda _, name: name, "number": lambda number, _: number}
ODD_LABELS: dict[str, Callable[[int, str], Any]] = {
    "fraction": lambda number, _: float(number),
    "padded": lambda number, _: f"{number:03d}",
    "number as text": lambda number, _: str(number),
    "numbered class": lambda number, _: f"class_{number}",
    "spaces": lambda _, name: f" {name} ",
    "capitals": lambda _, name: name.upper(),
    "boolean": lambda number, _: number == 1,
}
# A label that is none, in the first row.
WRONG = [None, -1, 99, "other", 0.5, float("nan"), float("inf"), 10**30, ""]


@st.composite
def label_cases(draw: Draw) -> Case:
    """Labels in .csv, .parquet or .npy, ids in it, in a file of their own or nowhere, class names given or in m.csv."""
    table = draw(tables())
    numbers = [draw(st.integers(0, len(table.classes) - 1)) for _ in table.samples]
    odd = draw(st.integers(0, 3)) == 3
    style = draw(st.sampled_from([*ODD_LABELS] if odd else [*PLAIN_LABELS]))
    label = (ODD_LABELS | PLAIN_LABELS)[style]
    labels = [label(number, table.classes[number]) for number in numbers]
    wrong = draw(st.integers(0, 5)) == 5
    if wrong:
        labels[0] = draw(st.sampled_from(WRONG))
    form = draw(st.sampled_from(["csv", "csv", "parquet", "npy"]))
    where = draw(st.sampled_from(["sample", "sample", "id", "file", "nowhere"]))
    numeric = all(name.isdigit() for name in table.classes) and table.classes != [
        str(n) for n in range(len(table.classes))
    ]
    plain = table.plain and not odd and not wrong and not (numeric and style == "number")
    # Numbers are places, names are names: a number that is the name of another class may mean either.
    meant = {
        "file": f"l.{form}",
        "samples": table.samples if where != "nowhere" else [str(row) for row in range(len(labels))],
        "labels": [None, *numbers[1:]] if wrong else numbers,
        "classes": table.classes,
        "named": draw(st.booleans()),
        "plain": plain,
    }
    files: dict[str, bytes] = {} if meant["named"] else {"m.csv": Csv()([(name, [0.5]) for name in table.classes])}
    ids = table.samples if where in ("sample", "id") else None
    if where == "file" or (form == "npy" and ids is not None):
        files["ids.txt"] = "".join(f"{name}\n" for name in table.samples).encode()
    if form == "npy":
        content, ok = npy(draw(st.sampled_from(_arrays(labels)))), meant["plain"] and not odd
    else:
        columns: list[Column] = [("label", labels)] if ids is None else [(where, ids), ("label", labels)]
        further = [(name, cells[: len(labels)]) for name, cells in draw(st.sampled_from(FURTHER))]
        columns = draw(
            st.permutations([*columns, *(one for one in further if form == "csv" or one[0] not in dict(columns))])
        )
        dialect = draw(csv_dialects())
        content = dialect(columns) if form == "csv" else parquet(columns, draw(st.sampled_from(["", "categorical"])))
        ok = meant["plain"] and len({name for name, _ in columns}) == len(columns) and (dialect.plain or form != "csv")
        ok = ok and not {"sample", "id"} <= {name for name, _ in columns}
    meant["plain"] = ok
    return {INTENTION: json.dumps(meant).encode(), f"l.{form}": content, **files}


FURTHER: list[list[Column]] = [
    [],
    [],
    [],
    [("split", ["test"] * 6)],
    [("", [*range(6)])],
    [("id", [*range(6)])],
    [("label", [0] * 6)],
]


def _arrays(labels: Sequence[Any]) -> list[np.ndarray]:
    """The labels as arrays: as they are, as bytes, narrow, as a column, as objects."""
    if len({type(label) for label in labels}) > 1 or labels[0] is None:
        return [np.array(labels, dtype=object)]
    array = np.array(labels)
    arrays = [array, array, array, array[:, None], array.astype(object)]
    if array.dtype.kind == "U":
        arrays.append(np.array([str(label).encode() for label in labels]))
    if array.dtype.kind == "i":
        arrays += [array.astype("u1"), array.astype(">i4"), array.astype("f4")]
    return arrays


def check(folder: Path) -> str:
    """Ids, labels and classes, as the later jobs read them, are those that were meant."""
    meant = intention_of(folder)
    path, ids, member = (folder / name for name in (meant["file"], "ids.txt", "m.csv"))
    dataset = {"id": "clean", "labels": str(path), "samples": str(ids) if ids.exists() else None}
    first = {"id": "m", "file": str(member), "classes": None, "values": "auto", "samples": None}
    names = meant["classes"] if meant["named"] else None
    outputs = {name: str(folder / "out" / name) for name in ("labels", "samples", "classes")}
    result = attempt(lambda: make_labelled_samples(dataset, names, first, **outputs), path.name, ids.name, member.name)
    if "damaged" in meant and path.suffix == ".parquet":
        return _unconfirmed(result, outputs)
    if "damaged" in meant:
        try:
            meant |= independently(folder, meant)
        except Doubtful as doubt:
            return refused_for(doubt, result)
    elif isinstance(result, Refusal):
        assert not meant["plain"], f"refused: {result.message}"
    if isinstance(result, Refusal):
        return REFUSED
    assert read(outputs) == {name: meant[name] for name in ("samples", "labels", "classes")}
    return ACCEPTED


def read(outputs: dict[str, str]) -> dict[str, Any]:
    """What the later jobs read."""
    return {
        "samples": load_lines(outputs["samples"]),
        "labels": np.load(outputs["labels"]).tolist(),
        "classes": json.loads(Path(outputs["classes"]).read_text(encoding="utf-8")),
    }


def _unconfirmed(result: Any, outputs: dict[str, str]) -> str:
    """Nothing here but polars reads Parquet: of a damaged file, only what must hold of all labels is known."""
    if isinstance(result, Refusal):
        return REFUSED
    found = read(outputs)
    assert len(found["samples"]) == len(set(found["samples"])) == len(found["labels"])
    assert all(0 <= label < len(found["classes"]) for label in found["labels"])
    return ACCEPTED


def independently(folder: Path, meant: dict[str, Any]) -> dict[str, Any]:
    """Ids, labels and classes of damaged files, as another reader finds them."""
    data = (folder / meant["file"]).read_bytes()
    ids: list[str] | None = None
    if meant["file"].endswith(".csv"):
        texts, ids = independent.labels_csv(data)
    else:
        array = independent.npy(data)
        if array.ndim != 1 or array.dtype.kind not in "iuU":
            raise Doubtful(f"labels {array.dtype} {array.shape}")
        texts = [str(label) for label in array.tolist()]
    if (folder / "ids.txt").exists():
        ids = independent.lines((folder / "ids.txt").read_bytes())
    ids = ids or [str(row) for row in range(len(texts))]
    if len(ids) != len(texts) or len(set(ids)) < len(ids) or not texts:
        raise Doubtful(f"{len(texts)} labels, {len(ids)} ids")
    classes = meant["classes"]
    if not meant["named"]:
        found = independent.predictions_csv((folder / "m.csv").read_bytes())
        numbered = all(independent.HEADING.fullmatch(name.strip().lower()) for name in found.classes or [])
        classes = [str(n) for n in range(found.values.shape[1])] if numbered else found.classes
    return {"samples": ids, "labels": [_place(text, classes) for text in texts], "classes": classes}


def _place(text: str, classes: Sequence[str]) -> int:
    """The class's place, by its name or else by its number."""
    if text in classes:
        return classes.index(text)
    if text.isascii() and text.isdigit() and not any(name.isdigit() for name in classes) and int(text) < len(classes):
        return int(text)
    raise Doubtful(f"{text!r} is none of the classes {list(classes)}")


TARGETS = [Target("labels", label_cases(), check), Target("labels-damaged", damaged(label_cases()), check)]
