"""Study files: trees with keys lost, added and replaced, and damaged text. What is accepted is all there."""

import copy
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from hypothesis import strategies as st

from scripts.lib.study.file import read_study
from scripts.lib.study.resolve import resolve
from scripts.lib.study.schema import schema
from tests.fuzz.cases import ACCEPTED, INTENTION, REFUSED, Case, Refusal, Target, attempt, intention_of
from tests.fuzz.independent import Doubtful
from tests.fuzz.mutations import damaged
from tests.fuzz.notation import study_with
from tests.fuzz.tables import Draw
from tests.unit.conftest import small_study

SCHEMA = schema()
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
FILES = {
    "name": "files",
    "datasets": {
        "kind": "predictions",
        "class_names": ["cat", "dog"],
        "validation": [{"id": "clean", "labels": "l.csv"}, {"id": "night", "labels": "n.csv", "samples": "n.txt"}],
    },
    "members": [
        {"id": "a", "kind": "predictions", "file": "a-{dataset}.csv", "parameters": 1000},
        {"id": "b", "kind": "predictions", "file": {"clean": "b.npz", "night": "b2.npz"}, "values": "logits"},
    ],
    "measures": ["disagreement"],
    "baseline": "a",
    "deployment": {"selection_share": 0.5},
    "ensembles": {"sizes": [2], "consensus": ["vote"]},
}
IMAGES = {
    "name": "images",
    "datasets": {
        "kind": "image-folder",
        "image_size": 32,
        "validation": [
            {"id": "clean", "folder": "v"},
            {"id": "snow", "of": "clean", "corruption": "snow", "severity": 1},
        ],
    },
    "members": [
        {"id": "t", "kind": "timm", "model": "resnet18", "weights": "w.safetensors", "mean": [0.5, 0.5, 0.5]},
        {"id": "o", "kind": "onnx", "file": "o.onnx", "crop": 0.9},
        {"id": "c", "kind": "command", "command": ["run", "{images}", "{output}"], "timeout": 5},
    ],
    "attributions": {"samples": 10},
}
TRAINED = {
    "name": "trained",
    "datasets": {"kind": "digits", "image_size": 32, "validation": [{"id": "clean"}]},
    "members": [
        {"id": "r", "recipe": "ResNext50_32_2", "epochs": 2, "optimizer": {"lr": 0.03}},
        {"id": "d", "recipe": "deit_tiny_p16_224", "seed": 8},
    ],
    "overrides": {"image_size": 32, "transforms": {"crop_scale": [0.8, 1.0]}},
}
OFA = {"ofa": {"depth": [0] * 5, "width": [2] * 6, "expansion": [0.25] * 10}}
STUDIES = [FILES, FILES, IMAGES, TRAINED, small_study(), study_with(OFA)]
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2, 0.5, 1e300, math.inf, -math.inf, math.nan, 10**40, "", " ", "x", "z\n", "a/b",
    "../x", "{x}", "<x>",
    "\x00", "größe", "a" * 300, "auto", "clean", "1", [], [None], [[]], ["x", "x"], {}, {"a": 1}, {None: 1}, {1: 2},
    {True: 1}, {"": {}},
    b"bytes", {"from": "*.csv"}, [{"from": 3}], {"name": "x"}, [{"id": "a"}], "~", "no", "\u2028",
    "\ud800".encode("utf-8", "replace").decode(),
]  # fmt: skip
TEXTS = [
    "name: a\nname: b\n", "&a [*a]", "&a {x: *a}", "*nobody", "!!python/object/apply:os.system ['touch pwned']",
    "!!set {a, b}",
    "!!binary aGVsbG8=", "!!timestamp 2020-99-99", "2020-01-01", "2020-99-99", "0b1", "012", "1_0", "1:30", "0x1F",
    "9" * 5000, "1e400",
    "- a\nb", "? [1, 2]\n: x", "!unknown x", "%YAML 9.9\n---\n", "---\na: 1\n---\nb: 2\n", "{a: 1, a: 2}",
    "<<: {name: x}", "[" * 3000,
    "!!int x", "!!float x", "!!bool x", "!!null x", "!!omap [a]", "=", "key: [1, 2", "\t- a", "a: b: c", "@x", "`x`",
    "'\\x'", '"\\x"',
    '"\\ud800"', "{? }", "!!str 1", "!!map []", "!!seq {}", "!!pairs [a: 1]",
    "&b0 [x, x]\n" + "\n".join(f"z{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]" for n in range(1, 12)),
]  # fmt: skip


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything in a tree."""
    yield path
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


def changed(tree: Any, path: tuple[Any, ...], how: str, value: Any) -> Any:
    """The tree with one thing lost, replaced, doubled or added to."""
    if not path:
        return value
    tree = copy.deepcopy(tree)
    parent = tree
    for key in path[:-1]:
        parent = parent[key]
    if how == "lose":
        del parent[path[-1]]
    elif how == "double" and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[path[-1]]))
    elif how == "add" and isinstance(parent, dict):
        parent["new" if not isinstance(value, str) else value] = copy.deepcopy(parent[path[-1]])
    else:
        parent[path[-1]] = copy.deepcopy(value)
    return tree


@st.composite
def tree_cases(draw: Draw) -> Case:
    """A valid study with up to three changes."""
    tree: Any = draw(st.sampled_from(STUDIES))
    changes = draw(st.integers(0, 3))
    for _ in range(changes):
        path = draw(st.sampled_from(list(places(tree))))
        value = draw(st.sampled_from(ODD) | st.integers() | st.floats() | st.text(max_size=4))
        tree = changed(tree, path, draw(st.sampled_from(["lose", "replace", "replace", "double", "add"])), value)
    try:
        text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=draw(st.booleans()))
    except (yaml.YAMLError, UnicodeError):
        text = json.dumps(tree, default=str)
    plain = changes == 0
    return {
        INTENTION: json.dumps({"plain": plain}).encode(),
        "study.yaml": text.encode("utf-8", errors="surrogatepass"),
    }


@st.composite
def text_cases(draw: Draw) -> Case:
    """A valid study's text in which a value, or the end, is something that YAML has but a study should not."""
    lines = yaml.safe_dump(draw(st.sampled_from(STUDIES)), sort_keys=False).splitlines()
    at, token = draw(st.integers(0, len(lines) - 1)), draw(st.sampled_from(TEXTS))
    head = lines[at].split(":")[0]
    how = draw(st.sampled_from(["value", "line", "end", "all", "repeat", "as it is"]))
    text = {
        "value": "\n".join([*lines[:at], f"{head}: {token}", *lines[at + 1 :]]),
        "line": "\n".join([*lines[:at], token, *lines[at:]]),
        "end": "\n".join([*lines, token]),
        "all": token,
        "repeat": "\n".join([*lines[: at + 1], *lines[at:]]),
        "as it is": "\n".join(lines),
    }[how]
    encoding = draw(st.sampled_from(["utf-8"] * 5 + ["utf-8-sig", "utf-16", "latin-1", "utf-32"]))
    content = (text + "\n").encode(encoding, errors="replace")
    return {INTENTION: json.dumps({"plain": False}).encode(), "study.yaml": content}


def load(path: Path) -> dict[str, Any]:
    """What the program does with a study file."""
    return resolve(read_study(path))


def check(folder: Path) -> str:
    """A resolved study is valid by the schema alone, holds what was written, and resolves to itself."""
    meant = intention_of(folder)
    path = folder / "study.yaml"
    result = attempt(lambda: load(path))
    if isinstance(result, Refusal):
        assert "damaged" in meant or not meant["plain"], f"refused: {result.message}"
        return REFUSED
    try:
        written = written_in(path.read_bytes())
    except Doubtful as doubt:
        raise AssertionError(f"accepted, though {doubt}") from None
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    jsonschema.Draft202012Validator(SCHEMA).validate(result)
    for name in (result["name"], *(entry["id"] for entry in [*result["members"], *result["datasets"]["validation"]])):
        assert IDENTIFIER.fullmatch(name), name
    assert holds(result, {key: value for key, value in written.items() if key != "members"}), "a key was lost"
    if not any("from" in entry or "search" in str(entry) for entry in written["members"]):
        assert holds(result["members"], written["members"]), "a member's key was lost"
    assert attempt(lambda: resolve(result)) == result
    assert not (Path.cwd() / "pwned").exists()
    return ACCEPTED


def holds(whole: Any, part: Any) -> bool:
    """Whether `whole` has everything in `part`; it may have more keys."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and holds(whole[key], value) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(holds, whole, part))
    return type(part) is type(whole) and part == whole


def written_in(data: bytes) -> dict[str, Any]:
    """The tree of a YAML text in UTF-8 with one document, text as keys, no key twice and nothing that holds itself."""
    try:
        text = data.decode("utf-8-sig")
        _checked(yaml.compose(text, yaml.SafeLoader), (), set())
        tree = yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Doubtful(f"{type(error).__name__}: {error}") from None
    if not isinstance(tree, dict):
        raise Doubtful(f"a study is {type(tree)}")
    return tree


def _checked(node: yaml.Node | None, above: tuple[int, ...], seen: set[int]) -> None:
    if id(node) in above:
        raise Doubtful("holds itself")
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if any(not isinstance(key, yaml.ScalarNode) for key, _ in node.value) or len(set(keys)) < len(keys):
            raise Doubtful(f"a key is there twice, or is not text: {keys}")
    inner = node.value if isinstance(node, yaml.CollectionNode) else []
    for child in inner:
        for part in child if isinstance(child, tuple) else (child,):
            _checked(part, (*above, id(node)), seen)


PLAIN = st.sampled_from([
    {INTENTION: b'{"plain": true}', "study.yaml": yaml.safe_dump(study, sort_keys=False).encode()} for study in STUDIES
])  # fmt: skip
TARGETS = [
    Target("study", tree_cases(), check),
    Target("study-text", text_cases(), check),
    Target("study-damaged", damaged(PLAIN), check),
]
