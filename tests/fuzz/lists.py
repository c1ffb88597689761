"""Lists of ids and of class names: one name per line, or a JSON list."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from scripts.lib.reading.align_predictions import ids_of, logits_of_file
from tests.fuzz import independent
from tests.fuzz.cases import ACCEPTED, INTENTION, REFUSED, Case, Refusal, Target, attempt, intention_of, refused_for
from tests.fuzz.independent import Doubtful
from tests.fuzz.mutations import damaged
from tests.fuzz.tables import ODD_IDS, PLAIN_CLASSES, PLAIN_IDS, Draw

NAMES = [*PLAIN_IDS, *PLAIN_CLASSES]


@st.composite
def text_cases(draw: Draw) -> Case:
    """One name per line, with the line ends and byte order marks that editors write."""
    odd = [name for name in ODD_IDS if not set("\r\n") & set(name(1))]
    count, is_odd = draw(st.integers(1, 6)), draw(st.integers(0, 3)) == 3
    name = draw(st.sampled_from(odd if is_odd else NAMES))
    names = [name(n) for n in range(count)]
    end, last = draw(st.sampled_from(["\n", "\r\n"])), draw(st.booleans())
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    after = draw(st.sampled_from(["", "", "\n", "\n\n", "  \n"]))
    text = end.join(names) + (end + after if last else "")
    plain = encoding == "utf-8" and after == "" and not is_odd
    content = text.encode(encoding, errors="replace")
    return {INTENTION: json.dumps({"file": "names.txt", "names": names, "plain": plain}).encode(), "names.txt": content}


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)


@st.composite
def json_cases(draw: Draw) -> Case:
    """A JSON list of names, or any other JSON."""
    name = draw(st.sampled_from([*NAMES, *ODD_IDS]))
    names = [name(n) for n in range(draw(st.integers(1, 6)))]
    content = draw(st.just(names) | st.just(names) | JSON)
    meant = content if isinstance(content, list) and all(isinstance(name, str) for name in content) else None
    text = json.dumps(content, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
    files = {"names.json": text.encode("utf-8", errors="surrogatepass")}
    return {INTENTION: json.dumps({"file": "names.json", "names": meant, "plain": content == names}).encode(), **files}


def check(folder: Path) -> str:
    """As ids of the rows, and as classes of the columns, of a file without any, the names are those that were meant."""
    meant = intention_of(folder)
    path, names, doubt = folder / meant["file"], meant["names"], None
    if "damaged" in meant or names is None:
        try:
            names = independently(path)
        except Doubtful as error:
            names, doubt = names or ["a", "b"], error
    outcomes = {aligned(folder, path, names, key, doubt, meant) for key in ("samples", "classes")}
    return ACCEPTED if outcomes == {ACCEPTED} else REFUSED


def aligned(folder: Path, path: Path, names: list[str], key: str, doubt: Doubtful | None, meant: dict[str, Any]) -> str:
    """Read an array whose rows, or columns, have these names, and look at the order of what comes out."""
    if key == "samples" and path.suffix == ".json":
        return ACCEPTED  # ids are not read from JSON
    known, order = sorted(set(names)), np.argsort(np.array(names, dtype=object), kind="stable")
    values = np.arange(2.0 * len(names)).reshape(-1, 2) - 1
    np.save(folder / "m.npy", values if key == "samples" else values.T)
    member = {"id": "m", "values": "logits", "classes": None, "samples": None, key: str(path)}
    samples, classes = (known, ["x", "y"]) if key == "samples" else (["x", "y"], known)
    result = attempt(
        lambda: logits_of_file(
            str(folder / "m.npy"), member, "clean", samples, classes, ids_of(member, "clean")
        )[0],
        path.name, "m.npy",
    )  # fmt: skip
    if doubt or len(known) < len(names):
        return refused_for(doubt or ValueError(f"names are there twice: {names}"), result)
    if isinstance(result, Refusal):
        assert "damaged" in meant or not meant["plain"], f"refused: {result.message}"
        return REFUSED
    np.testing.assert_allclose(result, values[order] if key == "samples" else values[order].T)
    return ACCEPTED


def independently(path: Path) -> list[str]:
    if path.suffix == ".txt":
        return independent.lines(path.read_bytes())
    found = independent.json_of(path.read_bytes())
    if not isinstance(found, list) or not all(isinstance(name, str) or type(name) is int for name in found):
        raise Doubtful(f"no list of names: {found!r}")
    return [str(name) for name in found]


CASES = st.one_of(text_cases(), json_cases())
TARGETS = [Target("lists", CASES, check), Target("lists-damaged", damaged(CASES), check)]
