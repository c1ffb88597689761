"""Values that a study cannot hold, and the canonical order of its keys."""

import copy
import datetime
import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.lib.jobs.provenance import study_hash
from scripts.lib.study.resolve import resolve
from tests.unit.conftest import small_member_entry, small_study
from tests.unit.study.test_resolve import STUDY_FILES, refusal, study_with_member


def commanded(**changes: Any) -> dict[str, Any]:
    member = {"id": "p", "kind": "command", "command": ["python", "{images}", "{output}"]}
    return small_study(members=[member | changes, small_member_entry("second")])


NO_FINITE_NUMBER = {
    "timeout": commanded(timeout=float("inf")),
    "latency_ms": commanded(latency_ms=float("nan")),
    "selection_share": small_study(deployment={"selection_share": float("nan")}),
    "expected_top1": study_with_member(expected_top1=float("nan")),
    "optimizer/lr": study_with_member(optimizer={"lr": float("inf")}),
    "transforms/mean/1": study_with_member(transforms={"mean": [0.5, float("nan"), 0.5]}),
    # What the schema leaves open.
    "architecture/parameters/drop_rate": study_with_member(
        architecture={"name": "timm", "model": "resnet10t", "parameters": {"drop_rate": float("-inf")}}
    ),
}


@pytest.mark.parametrize("key", NO_FINITE_NUMBER)
def test_a_number_that_is_not_finite_is_refused_by_key(key: str) -> None:
    message = refusal(NO_FINITE_NUMBER[key])
    assert f"{key}: " in message
    assert "is not a finite number" in message


def test_every_number_of_the_schema_must_be_finite() -> None:
    """The same check for whatever key the schema may get: it looks at values, not at keys."""
    study = resolve(small_study())
    places = list(numbers(study, ()))
    assert len(places) > 50
    for place in places:
        for value in (float("nan"), float("inf"), float("-inf")):
            changed = copy.deepcopy(study)
            section: Any = changed
            for key in place[:-1]:
                section = section[key]
            section[place[-1]] = value
            assert "is not a finite number" in refusal(changed), place


def numbers(value: Any, place: tuple[Any, ...]) -> Any:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from numbers(inner, (*place, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def recursive() -> dict[str, Any]:
    section: dict[str, Any] = {}
    section["x"] = [section]
    return section


UNUSABLE = {
    "NUL": (commanded(command=["a\0b", "{images}", "{output}"]), "members/0 (p)/command/0: 'a\\x00b' has a NUL"),
    "surrogate": (small_study(baseline="\ud800"), "baseline: '\\ud800' cannot be written as UTF-8"),
    "bytes": (small_study(name=b"small"), "name: b'small' is of type bytes"),
    "date": (commanded(command=[datetime.date(2020, 1, 1)]), "command/0: datetime.date(2020, 1, 1)"),
    "key": (small_study(overrides={1: 2}), "overrides: the key 1 is not text; write it in quotes"),
    "key true": (small_study(overrides={True: 2}), "overrides: the key True is not text"),
    "fraction": (commanded(macs=1.5), "members/0 (p)/macs: 1.5 is not a whole number"),
    "large": (small_study(seed=10**400), "seed: a whole number of 401 digits is too large"),
    "recursive": (small_study(overrides=recursive()), "overrides/x/0: contains itself"),
    "deep": (small_study(overrides={"x": nested(5000)}), "is nested more than"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_value_that_no_study_can_hold_is_refused_by_key(case: str) -> None:
    study, said = UNUSABLE[case]
    assert said in refusal(study)


# The order of keys has no meaning.


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return OrderedDict((key, reversed_keys(inner)) for key, inner in reversed(value.items()))
    return [reversed_keys(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", STUDY_FILES, ids=lambda path: path.name)
def test_a_study_with_keys_in_another_order_resolves_to_the_same_text(path: Path) -> None:
    """Snakemake compares parameters by their text (`repr`), in which keys have an order and types have names."""
    study = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert repr(resolve(reversed_keys(study))) == repr(resolve(study))


def test_lists_keep_their_order() -> None:
    study = resolve(small_study(measures=["js_divergence", "disagreement"], ensembles={"sizes": [2, 1]}))
    assert study["measures"] == ["js_divergence", "disagreement"]
    assert study["ensembles"]["sizes"] == [2, 1]


def test_what_an_entry_is_called_comes_first() -> None:
    study = resolve(small_study())
    assert next(iter(study)) == "name"
    assert list(study["members"][0])[:2] == ["id", "kind"]
    assert next(iter(study["members"][0]["optimizer"])) == "name"


def test_the_order_of_keys_leaves_the_hash_of_a_study_as_it_is() -> None:
    study = resolve(small_study())
    assert study_hash(study) == study_hash(json.loads(json.dumps(reversed_keys(study))))
