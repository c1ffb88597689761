"""Files of labels and ids: what the later jobs read of them is what was meant."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from scripts.lib.datasets.labelled_samples import make_labelled_samples
from scripts.lib.jobs.storage import load_lines
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
BY_NAME = ("name", "spaces", "capitals")
# An invalid label in the first row.
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
    # Columns of m.csv that no label knows may not be classes.
    all_known = set(numbers) == set(range(len(table.classes)))
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
        "named": (named := draw(st.booleans())),
        "plain": plain,
    }
    predicted = [(name, [float(label == number) for label in numbers]) for number, name in enumerate(table.classes)]
    files = {"m.csv": Csv()(predicted)}
    ids = table.samples if where in ("sample", "id") else None
    if where == "file" or (form == "npy" and ids is not None):
        files["ids.txt"] = "".join(f"{name}\n" for name in table.samples).encode()
    # The class 0 of columns `11` … `0` is the last of them where no names are given, however the labels write it.
    assume(named or style in BY_NAME or table.classes[:1] != ["11"])
    # Numbers without 0 may be counted from 1.
    meant["plain"] = plain and (named or all_known) and (style == "name" or 0 in numbers)
    if form == "npy":
        content, ok = npy(array := draw(st.sampled_from(_arrays(labels)))), meant["plain"]
        ok = ok and array.ndim == 1 and array.dtype.kind in "iU"
    else:
        columns: list[Column] = [("label", labels)] if ids is None else [(where, ids), ("label", labels)]
        further = [(name, cells[: len(labels)]) for name, cells in draw(st.sampled_from(FURTHER))]
        columns = draw(
            st.permutations([*columns, *(one for one in further if form == "csv" or one[0] not in dict(columns))])
        )
        dialect = draw(csv_dialects())
        content = dialect(columns) if form == "csv" else parquet(columns, draw(st.sampled_from(["", "categorical"])))
        ok = meant["plain"] and len({name for name, _ in columns}) == len(columns) and (dialect.plain or form != "csv")
        ok = ok and not ({"sample", "id"} if where in ("sample", "id") else {"id"}) <= {name for name, _ in columns}
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
    outputs = {name: str(folder / "out" / name) for name in ("labels", "samples", "classes", "record")}
    result = attempt(lambda: make_labelled_samples(dataset, names, first, **outputs), path.name, ids.name, member.name)
    if "damaged" in meant:
        return check_damaged(folder, meant, result, outputs)
    if isinstance(result, Refusal):
        assert not meant["plain"], f"refused: {result.message}"
        return REFUSED
    # Numbered columns may be called by their numbers, from 0: ` 0 ` and `class_0` are the class 0, `1` where none is 0.
    numbered = [independent.HEADING.fullmatch(name.strip().lower()) for name in meant["classes"]]
    numbers = [int(match[1]) for match in numbered if match]
    found = read(outputs)
    assert found["samples"] == meant["samples"]
    if numbers and found["classes"] == [str(number - (min(numbers) == 1)) for number in numbers]:
        assert found["labels"] == meant["labels"]
    else:  # in whatever order
        assert sorted(found["classes"]) == sorted(meant["classes"])
        names = [found["classes"][label] for label in found["labels"]]
        assert names == [meant["classes"][label] for label in meant["labels"]]
    return ACCEPTED


def check_damaged(folder: Path, meant: dict[str, Any], result: Any, outputs: dict[str, str]) -> str:
    """Ids and classes of all labels are those that an independent reader finds in the damaged files."""
    if meant["file"].endswith(".parquet"):
        return _unconfirmed(result, outputs)
    try:
        ids, texts, columns = independently(folder, meant)
        expected = _places(texts, columns, meant["named"])
    except Doubtful as doubt:
        return refused_for(doubt, result)
    if isinstance(result, Refusal):
        return REFUSED
    found = read(outputs)
    assert found["samples"] == ids
    names = [found["classes"][label] for label in found["labels"]]
    by_name = set(found["classes"]) <= set(columns)
    assert [columns.index(name) if by_name else _by_number(name, columns, False) for name in names] == expected
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


def independently(folder: Path, meant: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Ids, labels and names of the classes in damaged files, as another reader finds them."""
    data, ids = (folder / meant["file"]).read_bytes(), None
    if meant["file"].endswith(".csv"):
        texts, ids = independent.labels_csv(data)
    else:
        array = independent.npy(data)
        if array.dtype.kind not in "iuUS":
            raise Doubtful(f"labels {array.dtype}")
        texts = independent.texts_of(array)
    if (folder / "ids.txt").exists():
        ids = independent.lines((folder / "ids.txt").read_bytes())
    ids = ids or [str(row) for row in range(len(texts))]
    if len(ids) != len(texts) or len(set(ids)) < len(ids) or not texts:
        raise Doubtful(f"{len(texts)} labels, {len(ids)} ids")
    if meant["named"]:
        return ids, texts, meant["classes"]
    return ids, texts, _heading(folder / "m.csv")


def _heading(path: Path) -> list[str]:
    """The first row alone: whether the others are whole is seen where predictions are read, not where labels are."""
    data = path.read_bytes()
    try:
        return independent.cells_of(data)[0]
    except Doubtful:
        head = data.lstrip(b"\r\n").split(b"\n")[0]
        return independent.cells_of(head + b"\n" + b",".join([b"0"] * (head.count(b",") + 1)))[0]


def _places(texts: Sequence[str], columns: Sequence[str], named: bool) -> list[int]:
    """The columns of labels, which are names if all of them are, else numbers."""
    if set(texts) <= set(columns):
        return [columns.index(text) for text in texts]
    return [_by_number(text, columns, named) for text in texts]


def _by_number(text: str, columns: Sequence[str], named: bool) -> int:
    """The column of a number among columns that have numbers, or are in order, as names that are given are."""
    if not text.isascii() or not text.isdigit() or int(text) >= len(columns):
        raise Doubtful(f"{text!r} is none of the classes {list(columns)}")
    matches = [independent.HEADING.fullmatch(name.strip().lower()) for name in columns]
    numbers = [int(match[1]) for match in matches if match]
    sort = all(matches) and not named
    order = sorted(range(len(columns)), key=numbers.__getitem__) if sort else range(len(columns))
    return order[int(text)]


TARGETS = [Target("labels", label_cases(), check), Target("labels-damaged", damaged(label_cases()), check)]
