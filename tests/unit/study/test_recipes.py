"""Recipes, overrides and members are merged; the recipes are the rows of the paper's tables."""

import pytest
import yaml

from scripts.lib.study.resolve import ROOT, merge
from tests.unit.study.test_resolve import study_with_recipe

# Recipes, overrides, members: the later one wins.


def test_overrides_replace_a_recipe_and_a_member_replaces_overrides() -> None:
    member = study_with_recipe("MNASNET_1", {"epochs": 7, "batch_size": 8, "seed": 3}, epochs=2)
    assert (member["epochs"], member["batch_size"], member["seed"]) == (2, 8, 3)


def test_keys_of_a_section_are_merged() -> None:
    member = study_with_recipe("MNASNET_1", {"optimizer": {"momentum": 0.5}}, optimizer={"lr": 0.3})
    assert member["optimizer"]["name"] == "SGD"
    assert member["optimizer"]["lr"] == 0.3
    assert member["optimizer"]["momentum"] == 0.5
    assert member["optimizer"]["weight_decay"] == 0.0001


def test_a_section_of_the_same_name_is_merged() -> None:
    member = study_with_recipe("MNASNET_1", schedule={"name": "step", "gamma": 0.5})
    assert member["schedule"] == {"name": "step", "gamma": 0.5, "every_epochs": 30, "warmup_epochs": 0}


def test_a_section_of_another_name_is_replaced_as_a_whole() -> None:
    member = study_with_recipe("MNASNET_1", optimizer={"name": "AdamW", "lr": 0.01}, schedule={"name": "cosine"})
    assert member["optimizer"] == {"name": "AdamW", "lr": 0.01, "weight_decay": 0.01}
    assert member["schedule"] == {"name": "cosine", "warmup_epochs": 0}


def test_a_list_is_replaced_as_a_whole() -> None:
    member = study_with_recipe("ResNext50_32_2", architecture={"layers": [1, 1, 1, 1]})
    assert member["architecture"]["layers"] == [1, 1, 1, 1]
    assert member["architecture"]["cardinality"] == 32


def test_merging_changes_neither_of_both() -> None:
    base, change = {"a": {"name": "x", "b": 1}}, {"a": {"c": 2}}
    assert merge(base, change) == {"a": {"name": "x", "b": 1, "c": 2}}
    assert base == {"a": {"name": "x", "b": 1}}
    assert change == {"a": {"c": 2}}


# The paper's Table i, typed from the paper.

RESNEXT = {"name": "resnext", "dropout": 0.2}
SGD = {"name": "SGD", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4, "nesterov": False}
SLOW_SGD = {"name": "SGD", "lr": 0.01, "momentum": 0.9, "weight_decay": 2e-4, "nesterov": False}
TENTH_EVERY_30 = {"name": "step", "gamma": 0.1, "every_epochs": 30, "warmup_epochs": 0}
TABLE_I = {
    "ResNext50_32_2": (
        RESNEXT | {"layers": [3, 4, 6, 3], "cardinality": 32, "block_width": 2},
        SGD,
        TENTH_EVERY_30,
        100,
        32,
    ),
    "ResNext50_32_41": (
        RESNEXT | {"layers": [2, 2, 3, 2], "cardinality": 32, "block_width": 4},
        SGD,
        TENTH_EVERY_30,
        100,
        32,
    ),
    "ResNext50_16_4": (
        RESNEXT | {"layers": [3, 4, 6, 3], "cardinality": 16, "block_width": 4},
        SGD,
        TENTH_EVERY_30,
        100,
        32,
    ),
    "MNASNET_1": (
        {"name": "mnasnet", "depth_multiplier": 1, "dropout": 0.2, "batch_norm_momentum": 0.0003},
        SGD,
        TENTH_EVERY_30,
        100,
        32,
    ),
    "MNASNET_1p": (
        {"name": "mnasnet", "depth_multiplier": 1, "dropout": 0.2, "batch_norm_momentum": 0.0003},
        {"name": "RMSprop", "lr": 0.256, "alpha": 0.9, "momentum": 0.9, "weight_decay": 0, "eps": 1e-8},
        {"name": "step", "gamma": 0.97, "every_epochs": 2.4, "warmup_epochs": 0},
        100,
        32,
    ),
    "Squeezenet_512": (
        {"name": "squeezenet", "version": "1.1", "dropout": 0.5},
        SLOW_SGD,
        TENTH_EVERY_30,
        100,
        512,
    ),
    "Squeezenet": (
        {"name": "squeezenet", "version": "1.1", "dropout": 0.5},
        SLOW_SGD,
        TENTH_EVERY_30,
        100,
        128,
    ),
    "deit_tiny_p16_224": (
        {"name": "deit", "patch_size": 16, "embedding": 192, "heads": 3, "depth": 12},
        {"name": "AdamW", "lr": 5e-4, "weight_decay": 0.01},
        {"name": "cosine", "warmup_epochs": 0},
        300,
        256,
    ),
}


@pytest.mark.parametrize("name", TABLE_I)
def test_a_recipe_is_the_row_of_the_paper(name: str) -> None:
    member = study_with_recipe(name)
    keys = ("architecture", "optimizer", "schedule", "epochs", "batch_size")
    assert dict(zip(keys, TABLE_I[name], strict=True)) == {key: member[key] for key in keys}


@pytest.mark.parametrize("name", TABLE_I)
def test_a_recipe_has_the_transforms_of_table_iii(name: str) -> None:
    member = study_with_recipe(name)
    assert member["image_size"] == 224
    assert member["training_images"] is None
    assert member["transforms"] == {
        "crop_scale": [0.08, 1.0],
        "crop_ratio": [0.75, 1.3333],
        "horizontal_flip": 0.5,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    }


def test_the_recipes_of_the_supervised_rows_are_all_there() -> None:
    recipes = yaml.safe_load((ROOT / "config" / "recipes.yaml").read_text(encoding="utf-8"))
    assert recipes.keys() >= TABLE_I.keys()
