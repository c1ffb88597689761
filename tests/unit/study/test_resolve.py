"""From a study file to a complete study: merging, defaults, and which errors are refused with which messages."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.lib.jobs.errors import StudyError
from scripts.lib.study.resolve import ROOT, resolve
from tests.unit.conftest import small_member_entry, small_study

STUDY_FILES = [ROOT / "config.yaml", *sorted(set(ROOT.glob("config/*.yaml")) - {ROOT / "config" / "recipes.yaml"})]


def refusal(study: Any) -> str:
    with pytest.raises(StudyError) as caught:
        resolve(study)
    return str(caught.value)


def study_with_datasets(**changes: Any) -> dict[str, Any]:
    return small_study(datasets=small_study()["datasets"] | changes)


def study_with_member(**changes: Any) -> dict[str, Any]:
    return small_study(members=[small_member_entry("first", **changes), small_member_entry("second")])


def study_with_recipe(recipe: str, overrides: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    members = [{"id": "first", "recipe": recipe, **keys}, small_member_entry("second")]
    return resolve(small_study(members=members, overrides=overrides or {}))["members"][0]


# What resolves.


@pytest.mark.parametrize("path", STUDY_FILES, ids=lambda path: path.name)
def test_every_study_file_of_the_project_resolves(path: Path) -> None:
    study = resolve(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert len(study["members"]) >= 2


def test_resolving_leaves_the_given_study_as_it_was() -> None:
    given = small_study()
    before = copy.deepcopy(given)
    resolve(given)
    assert given == before


def test_a_resolved_study_resolves_to_itself() -> None:
    once = resolve(small_study())
    assert resolve(once) == once


def test_defaults_are_filled_in_at_every_level() -> None:
    study = resolve(small_study())
    assert study["seed"] == 0
    assert study["device"] == "auto"
    assert study["baseline"] is None
    assert study["attributions"] == {
        "method": "InputXGradient",
        "target": "prediction",
        "samples": 200,
        "steps": 16,
    }
    assert study["ensembles"] == {"sizes": "all", "per_size": 200, "greedy": 20, "consensus": ["average", "vote"]}
    assert study["datasets"]["training"] == {"folder": None}
    assert study["datasets"]["resize"] is None
    assert study["datasets"]["validation"][0] == {
        "id": "clean",
        "folder": None,
        "layout": "folders",
        "scoring": "subset",
        "classes_of": None,
        "images": None,
        "first_label": None,
        "labels": None,
        "samples": None,
    }
    member = study["members"][0]
    assert member["optimizer"] == {"name": "SGD", "lr": 0.1, "momentum": 0, "weight_decay": 0, "nesterov": False}
    assert member["schedule"] == {"name": "cosine", "warmup_epochs": 0}
    assert member["transforms"]["crop_scale"] == [0.08, 1.0]


def test_a_given_value_is_kept_beside_defaults() -> None:
    assert resolve(small_study(attributions={"samples": 7}))["attributions"]["samples"] == 7


def test_two_members_do_not_share_default_lists() -> None:
    study = resolve(small_study())
    study["members"][0]["transforms"]["mean"][0] = 9
    assert study["members"][1]["transforms"]["mean"][0] == 0.485


def test_a_precision_for_all_members_that_may_have_one() -> None:
    study = resolve(small_study(overrides={"precision": "bfloat16"}))
    assert {member["precision"] for member in study["members"]} == {"bfloat16"}
