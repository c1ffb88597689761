"""Members that a study only points to: manifests, JSON beside a file, and patterns over folders with hostile names."""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from scripts.lib.reading.align_predictions import read_scores
from scripts.lib.study.resolve import resolve
from tests.fuzz import independent
from tests.fuzz.cases import (
    ACCEPTED,
    INTENTION,
    LINK,
    REFUSED,
    Case,
    Refusal,
    Target,
    attempt,
    intention_of,
    refused_for,
)
from tests.fuzz.dialects import csv_dialects, parquet
from tests.fuzz.independent import Doubtful
from tests.fuzz.lists import JSON
from tests.fuzz.mutations import damaged
from tests.fuzz.tables import Column, Draw

# A number as a user may write it, and its value; None if it is ambiguous.
NUMBERS: dict[str, float | None] = {
    "1000": 1000.0,
    "2.5": 2.5,
    "012": 12.0,
    "1e3": 1000.0,
    "1_000": 1000.0,
    "1:30": None,
    "0x10": 16.0,
    "0o17": None,
    "no": None,
    "~": None,
    "[1": None,
    "{a: 1}": None,
    "2020-99-99": None,
    "&a [*a]": None,
    "9" * 5000: None,
    ".inf": None,
}
VALUES = ["auto", "logits", "probabilities", "logit", ""]


def study_of(entries: Any, *, labels: Path) -> dict[str, Any]:
    """A study of files of predictions with these members."""
    validation = [{"id": "clean", "labels": str(labels)}]
    return {"name": "fuzz", "datasets": {"kind": "predictions", "validation": validation}, "members": entries}


@st.composite
def manifest_cases(draw: Draw) -> Case:
    """A manifest of two to four members, each with a file that is there, or is not."""
    count = draw(st.integers(2, 4))
    style = draw(st.sampled_from(["m{}", "{}", "0{}", "größe {}", "1.{}0", "m", "-{}", "../{}", "{}\n"]))
    ids = [style.format(n) for n in range(count)]
    there = [draw(st.integers(0, 5)) > 0 for _ in ids]
    costs = [draw(st.sampled_from(list(NUMBERS))) if draw(st.booleans()) else "1000" for _ in ids]
    values = [draw(st.sampled_from(VALUES)) if draw(st.booleans()) else "auto" for _ in ids]
    files = [f"p{n}.csv" for n in range(count)]
    columns: list[Column] = [
        *([("id", ids)] if draw(st.booleans()) else []),
        ("file", files),
        ("values", values),
        ("parameters", costs),
        *draw(st.sampled_from([[], [], [("", ["x"] * count)], [("notes", ["a, b"] * count)], [("file", files)]])),
    ]
    columns = draw(st.permutations(columns))
    form, dialect = draw(st.sampled_from(["csv", "csv", "parquet"])), draw(csv_dialects())
    content = dialect(columns) if form == "csv" else parquet(_typed(columns))
    meant = {
        "manifest": f"manifest.{form}",
        "ids": ids if "id" in dict(columns) else [f"p{n}" for n in range(count)],
        "files": files,
        "there": there,
        "values": values,
        "costs": [NUMBERS[cost] for cost in costs],
        "plain": all(there) and style == "m{}" and set(values) <= {"auto", "logits", "probabilities"}
        and set(costs) <= {"1000", "2.5"} and len(columns) < 5
        and len(dict(columns)) == len(columns) and not {"", "notes"} & dict(columns).keys()
        and (form == "parquet" or dialect.plain),
    }  # fmt: skip
    present = {name: b"a,b\n0.5,0.5\n" for name, ok in zip(files, there, strict=True) if ok}
    return {INTENTION: json.dumps(meant).encode(), f"manifest.{form}": content, **present}


def _typed(columns: Sequence[Column]) -> list[Column]:
    """Costs as numbers, where all are."""
    costs = [NUMBERS.get(cost) for name, cells in columns if name == "parameters" for cell in [cells] for cost in cell]
    return [(name, costs if name == "parameters" and None not in costs else cells) for name, cells in columns]


def check_manifest(folder: Path) -> str:
    """Every member of the resolved study has the file and the numbers that its row was meant to give."""
    meant = intention_of(folder)
    manifest = folder / meant["manifest"]
    study = study_of([{"from": str(manifest)}], labels=folder / "l.csv")
    result = attempt(lambda: resolve(study), "manifest", *meant["files"], "members")
    if isinstance(result, Refusal):
        assert "damaged" in meant or not meant["plain"], f"refused: {result.message}"
        return REFUSED
    files = [str(folder / name) for name in meant["files"]]
    members = {member["file"]: member for member in result["members"]}
    assert len(members) == len(result["members"]) or "damaged" in meant
    assert all(Path(file).is_file() for file in members)
    json.dumps(result, allow_nan=False)
    if "damaged" not in meant:
        assert list(members) == [file for file, there in zip(files, meant["there"], strict=True) if there]
        for number, file in enumerate(files):
            if file in members:
                _assert_row(members[file], {key: meant[key][number] for key in ("ids", "values", "costs")})
    return ACCEPTED


def _assert_row(member: dict[str, Any], row: dict[str, Any]) -> None:
    assert member["values"] == (row["values"] or "auto")
    assert member["parameters"] == row["costs"]  # None, where the cell is not a number: nothing was made of it
    if row["ids"].isalnum() and row["ids"].isascii() and row["ids"] != "m":  # else put right, or made unique
        assert member["id"] == row["ids"]


@st.composite
def beside_cases(draw: Draw) -> Case:
    """Files of predictions, and JSON of the same name beside the first."""
    keys = st.sampled_from(["values", "parameters", "macs", "latency_ms", "classes", "samples", "id", "kind", "other"])
    cells = st.sampled_from(["auto", "logits", "clean", 1, 2.5, None, True, ["a", "b"], math.nan, math.inf, -1]) | JSON
    content = draw(st.dictionaries(keys, cells, max_size=3) | JSON)
    text = json.dumps(content, ensure_ascii=draw(st.booleans())).encode("utf-8", errors="surrogatepass")
    odd = st.sampled_from([
        text, text, text, b"\xef\xbb\xbf" + text, b'{"macs": 1, "macs": 2}', b"[" * 100_000, b'{"a":' * 100_000,
        b'{"macs": ' + b"9" * 5000 + b"}", b'{"macs": 1e999}', json.dumps(content).encode("utf-16"), b"",
    ])  # fmt: skip
    files = dict.fromkeys(("m0.csv", "m1.csv"), b"a,b\n0.5,0.5\n")
    return {INTENTION: json.dumps({"plain": False}).encode(), "m0.json": draw(odd), **files}


def check_beside(folder: Path) -> str:
    """The member has the keys that the JSON gives it, each with its value."""
    study = study_of([{"from": str(folder / "m*.csv")}], labels=folder / "l.csv")
    result = attempt(lambda: resolve(study), "m0", "members")
    try:
        said = independent.json_of((folder / "m0.json").read_bytes())
    except (Doubtful, FileNotFoundError) as doubt:
        return refused_for(doubt, result)
    if isinstance(result, Refusal):
        return REFUSED
    json.dumps(result, allow_nan=False)
    assert isinstance(said, dict)
    members = [member for member in result["members"] if member["file"].endswith("m0.csv") or "file" in said]
    for key, value in said.items():
        if key not in ("id", "file"):
            assert members[0][key] == value
    return ACCEPTED


NAMES = [
    "a.csv", "b.csv", "m[1].csv", "m1.csv", "m*.csv", "m?.csv", "{x}.csv", "{dataset}.csv", "<x>.csv", "$x$.csv",
    "a b.csv",
    "größe.csv", "new\nline.csv", "u\u2028.csv", "\udcff.csv", "-rf.csv", "'\".csv", "%s.csv", "c,d.csv", "~.csv",
    ".hidden.csv",
    "noend", "x.json", "x.txt", "deep/e.csv", "a.b.csv", "A.CSV",
]  # fmt: skip
ODD_FILES = {
    "dir.csv/": b"",
    "dangling.csv": LINK + b"nowhere",
    "loop.csv": LINK + b"loop.csv",
    "loop/": b"",
    "link.csv": LINK + b"a.csv",
}
PATTERNS = [
    "*",
    "*.csv",
    "m*",
    "m[[]1].csv",
    "?.csv",
    "**/*.csv",
    "[ab].csv",
    "[!a].csv",
    "*.c?v",
    "{dataset}.csv",
    "[",
    "m[",
    "**",
    "",
]


@st.composite
def pattern_cases(draw: Draw) -> Case:
    """Files with names of all sorts, each with values of its own, and a pattern."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=6, unique=True))
    odd = draw(st.lists(st.sampled_from(list(ODD_FILES)), max_size=2, unique=True))
    files = {f"p/{name}": f"a,b\n0.{number},0.{9 - number}\n".encode() for number, name in enumerate(names, 1)}
    meant = {"pattern": draw(st.sampled_from(PATTERNS)), "plain": False}
    return {INTENTION: json.dumps(meant).encode(), **files, **{f"p/{name}": ODD_FILES[name] for name in odd}}


def check_pattern(folder: Path) -> str:
    """Every file that the shell's pattern means is a member with that file's values, or is listed with a reason."""
    pattern = intention_of(folder)["pattern"]
    study = study_of([{"from": str(folder / "p" / pattern) if pattern else ""}], labels=folder / "l.csv")
    result = attempt(lambda: resolve(study), pattern, "members")
    if isinstance(result, Refusal):
        return REFUSED
    json.dumps(result, allow_nan=False)
    files = [member["file"].replace("{dataset}", "clean") for member in result["members"]]
    assert len(set(files)) == len(files)
    assert all(reason for reason in (row["reason"] for row in result["zoo"] if row["member"] is None))
    listed = {row["path"] for row in result["zoo"]}
    if pattern in ("*", "*.csv", "**"):
        names = [name for name in os.listdir(folder / "p") if not name.startswith(".")]
        meant = {name for name in names if name.endswith(".csv") or pattern != "*.csv"}
        paths = {str(folder / "p" / name) for name in meant if not name.endswith(".json")}
        paths = {path for path in paths if pattern != "**" or not Path(path).is_dir()}
        assert {os.fsencode(path).decode("utf-8", "backslashreplace") for path in paths} <= listed
    for file in files:
        values = attempt(lambda file=file: read_scores(file), Path(file).name.encode("ascii", "replace").decode()[:1])
        first = Path(file).read_bytes().splitlines()[1]
        if not isinstance(values, Refusal):
            np.testing.assert_allclose(values.values[0], [float(cell) for cell in first.split(b",")])
    return ACCEPTED


TARGETS = [
    Target("manifest", manifest_cases(), check_manifest),
    Target("manifest-damaged", damaged(manifest_cases()), check_manifest),
    Target("json-beside", beside_cases(), check_beside),
    Target("patterns", pattern_cases(), check_pattern),
]
