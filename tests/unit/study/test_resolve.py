"""From a study file to a complete study: merging, defaults, and which errors are refused with which messages."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.lib.jobs.errors import StudyError
from scripts.lib.study.resolve import ROOT, merge, resolve
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


# What is refused: the path, the value, what is allowed.

ADAM = {"name": "Adam", "lr": 0.1}
WRONG = {
    "unknown key": (small_study(seeds=1), ["top level: unknown key 'seeds'", "did you mean 'seed'?", "baseline"]),
    "no name": ({"members": small_study()["members"]}, ["top level: missing name, datasets"]),
    "name of a path": (small_study(name="../up"), ["name: '../up'", "results/{name}/"]),
    "members no list": (small_study(members=3), ["members: 3 is not of type 'array'"]),
    "members no sections": (small_study(members=[1, 2]), ["members/0: 1 is not of type 'object'"]),
    "one member": (small_study(members=[small_member_entry("a")]), ["members: "]),
    "overrides no section": (small_study(overrides=1), ["overrides: 1 is not of type 'object'"]),
    "seed below zero": (small_study(seed=-1), ["seed: -1 is less than the minimum of 0"]),
    "device": (small_study(device="gpu"), ["device: 'gpu' is not one of auto, cpu, cuda"]),
    "measure": (
        small_study(measures=["disagrement"]),
        ["measures/0: 'disagrement' is not one of disagreement,", "did you mean 'disagreement'?"],
    ),
    "measure twice": (small_study(measures=["disagreement"] * 2), ["measures: ", "non-unique"]),
    "consensus": (small_study(ensembles={"consensus": ["mean"]}), ["ensembles/consensus/0: 'mean' is not one of"]),
    "sizes": (small_study(ensembles={"sizes": "some"}), ["ensembles/sizes: 'some'", "`all` means"]),
    "attribution method": (
        small_study(attributions={"method": "saliency"}),
        ["attributions/method: 'saliency' is not one of Saliency,", "did you mean 'Saliency'?"],
    ),
    "permutations": (small_study(statistics={"permutations": 9}), ["statistics/permutations: 9", "99"]),
    "kind of dataset": (
        study_with_datasets(kind="fashion_mnist"),
        ["datasets/kind: 'fashion_mnist' is not one of", "did you mean 'fashion-mnist'?"],
    ),
    "no validation set": (study_with_datasets(validation=[]), ["datasets/validation: []"]),
    "corruption": (
        study_with_datasets(
            validation=[{"id": "clean"}, {"id": "noisy", "of": "clean", "corruption": "gaussian", "severity": 1}]
        ),
        ["datasets/validation/1 (noisy)/corruption: 'gaussian' is not one of noise,"],
    ),
    "severity": (
        study_with_datasets(
            validation=[{"id": "clean"}, {"id": "noisy", "of": "clean", "corruption": "noise", "severity": 6}]
        ),
        ["datasets/validation/1 (noisy)/severity: 6 is greater than the maximum of 5"],
    ),
    "corrupted without severity": (
        study_with_datasets(validation=[{"id": "clean"}, {"id": "noisy", "of": "clean", "corruption": "noise"}]),
        ["datasets/validation/1 (noisy)", "`severity`", "must be given together"],
    ),
    "recipe": (
        small_study(members=[{"id": "a", "recipe": "Squeezenets"}, small_member_entry("b")]),
        ["members/0/recipe: 'Squeezenets' is not one of ResNext50_32_2,", "did you mean 'Squeezenet'?"],
    ),
    "recipe no name": (
        small_study(members=[{"id": "a", "recipe": ["Squeezenet"]}, small_member_entry("b")]),
        ["members/0/recipe: ", "is not one of ResNext50_32_2,"],
    ),
    "member key": (
        study_with_member(epoch=3),
        ["members/0 (first): unknown key 'epoch' is not one of", "did you mean 'epochs'?"],
    ),
    "member without a key": (
        small_study(members=[{"id": "first"}, small_member_entry("second")]),
        ["members/0 (first): missing architecture, optimizer, schedule, epochs, batch_size"],
    ),
    "no epochs": (study_with_member(epochs=0), ["members/0 (first)/epochs: 0 is less than the minimum of 1"]),
    "half an epoch": (study_with_member(epochs=2.5), ["members/0 (first)/epochs: 2.5 is not of type 'integer'"]),
    "epochs no integer": (study_with_member(epochs=2.0), ["members/0 (first)/epochs: 2.0 is not of type 'integer'"]),
    "epochs a truth value": (study_with_member(epochs=True), ["members/0 (first)/epochs: True is not of type"]),
    "learning rate as text": (
        study_with_member(optimizer={"lr": "1e-3"}),
        ["members/0 (first)/optimizer/lr: '1e-3' is not of type 'number'", "Learning rate at the start"],
    ),
    "optimizer": (study_with_member(optimizer=ADAM), ["members/0 (first)/optimizer/name: 'Adam' is not one of SGD"]),
    "key of another optimizer": (
        study_with_member(optimizer={"alpha": 0.9}),
        ["members/0 (first)/optimizer: unknown key 'alpha' is not one of name, lr, momentum,"],
    ),
    "architecture": (
        study_with_member(architecture={"name": "resnex"}),
        ["members/0 (first)/architecture/name: 'resnex' is not one of resnext,", "did you mean 'resnext'?"],
    ),
    "key of another architecture": (
        study_with_member(architecture={"layers": [1, 1, 1, 1]}),
        ["members/0 (first)/architecture: unknown key 'layers' is not one of name, patch_size,"],
    ),
    "three stages": (
        study_with_member(architecture={"name": "resnext", "layers": [1, 1, 1], "cardinality": 1, "block_width": 1}),
        ["members/0 (first)/architecture/layers: [1, 1, 1]"],
    ),
    "schedule": (
        study_with_member(schedule={"name": "linear"}),
        ["schedule/name: 'linear' is not one of step, cosine"],
    ),
    "schedule without its keys": (
        study_with_member(schedule={"name": "step"}),
        ["members/0 (first)/schedule: missing gamma, every_epochs"],
    ),
    "transforms": (
        study_with_member(transforms={"flip": 1}),
        ["members/0 (first)/transforms: unknown key 'flip' is not one of crop_scale,"],
    ),
    # Contradictions, which a schema cannot see.
    "two members of one id": (
        small_study(members=[small_member_entry("a"), small_member_entry("a")]),
        ["members: the id 'a' is used 2 times"],
    ),
    "two validation sets of one id": (
        study_with_datasets(validation=[{"id": "clean"}, {"id": "clean"}]),
        ["datasets/validation: the id 'clean' is used 2 times"],
    ),
    "baseline": (
        small_study(baseline="frist"),
        ["baseline: 'frist' is not one of first, second", "did you mean 'first'?"],
    ),
    "ensembles too large": (
        small_study(ensembles={"sizes": [2, 3]}),
        ["ensembles/sizes: 3 is more than the 2 members of the study"],
    ),
    "corrupted copy of nothing": (
        study_with_datasets(
            validation=[{"id": "clean"}, {"id": "noisy", "of": "claen", "corruption": "noise", "severity": 1}]
        ),
        ["datasets/validation/1 (noisy)/of: 'claen' is not one of clean", "did you mean 'clean'?"],
    ),
    "corrupted copy of a corrupted copy": (
        study_with_datasets(
            validation=[
                {"id": "clean"},
                {"id": "noisy", "of": "clean", "corruption": "noise", "severity": 1},
                {"id": "noisier", "of": "noisy", "corruption": "noise", "severity": 1},
            ]
        ),
        ["datasets/validation/2 (noisier)/of: 'noisy' is not one of clean"],
    ),
    "corrupted set first": (
        study_with_datasets(
            validation=[{"id": "noisy", "of": "clean", "corruption": "noise", "severity": 1}, {"id": "clean"}]
        ),
        ["datasets/validation/0: the first validation set must not be a corrupted copy"],
    ),
    "corrupted copy with images of its own": (
        study_with_datasets(
            validation=[
                {"id": "clean"},
                {"id": "noisy", "of": "clean", "corruption": "noise", "severity": 1, "images": 5},
            ]
        ),
        ["datasets/validation/1 (noisy): a corrupted copy has the images of 'clean'"],
    ),
    "validation set called training": (
        study_with_datasets(validation=[{"id": "training"}]),
        ["datasets/validation/0 (training): the id 'training' is reserved"],
    ),
    "layout of another kind of dataset": (
        study_with_datasets(validation=[{"id": "clean", "layout": "imagenet-v2"}]),
        ["datasets/validation/0 (clean)/layout: is a key of datasets of kind imagenet only; remove it"],
    ),
    "ImageNet-C without a corruption": (
        study_with_datasets(kind="imagenet", validation=[{"id": "clean", "folder": "c", "layout": "imagenet-c"}]),
        ["datasets/validation/0 (clean): the layout imagenet-c needs a `corruption`"],
    ),
    "image folders missing": (
        study_with_datasets(kind="image-folder"),
        ["datasets/training: missing folder", "datasets/validation/clean: missing folder"],
    ),
    "resize below the image size": (
        study_with_datasets(image_size=64, resize=48),
        ["datasets/resize: 48 is smaller than the image_size of 64"],
    ),
    "heads that do not divide the embedding": (
        study_with_member(architecture={"embedding": 25}),
        ["members/0 (first)/architecture/embedding: 25 is not a multiple of the 3 heads"],
    ),
    "Nesterov without momentum": (
        study_with_member(optimizer={"nesterov": True}),
        ["members/0 (first)/optimizer/nesterov: needs a momentum"],
    ),
    "interval the wrong way round": (
        study_with_member(transforms={"crop_scale": [1.0, 0.5]}),
        ["members/0 (first)/transforms/crop_scale: [1.0, 0.5]"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_study_is_refused_with_path_value_and_what_is_allowed(case: str) -> None:
    study, words = WRONG[case]
    message = refusal(study)
    for part in words:
        assert part in message
    assert "docs/config.md" in message or "config/recipes.yaml" in message


def test_all_wrong_keys_are_listed_at_once() -> None:
    message = refusal(small_study(seed=-1, device="gpu", colour="red"))
    assert all(part in message for part in ("seed: -1", "device: 'gpu'", "unknown key 'colour'"))


def test_an_unknown_key_without_a_resemblance_gets_no_suggestion() -> None:
    assert "did you mean" not in refusal(small_study(zzzzzz=1))


def test_a_name_that_ends_in_a_line_break_is_refused() -> None:
    """Python's `$` matches before a last line break."""
    assert "name: 'z\\n'" in refusal(small_study(name="z\n"))
    assert "members/0 (a" in refusal(small_study(members=[small_member_entry("a\n"), small_member_entry("b")]))


def test_an_id_that_is_not_utf_8_is_refused_by_a_message_that_can_be_printed() -> None:
    message = refusal(small_study(members=[small_member_entry("\ud800"), small_member_entry("b")]))
    assert "members/0 (\\ud800)/id: '\\ud800' cannot be written as UTF-8" in message
    message.encode("utf-8")


def test_a_name_too_long_for_a_file_is_refused() -> None:
    assert "is too long" in refusal(small_study(name="a" * 151))
    assert "members/0" in refusal(small_study(members=[small_member_entry("a" * 151), small_member_entry("b")]))
    assert resolve(small_study(name="a" * 150))["name"] == "a" * 150


@pytest.mark.parametrize("value", [None, 3, [], "text"])
def test_a_study_that_is_no_section_is_refused(value: Any) -> None:
    assert "keys" in refusal(value)


@pytest.mark.parametrize("key", ["recipe", "kind"])
@pytest.mark.parametrize("value", [[1], {"a": 1}, None, 3])
def test_a_recipe_or_kind_of_another_type_is_refused(key: str, value: Any) -> None:
    members = [small_member_entry("first", **{key: value}), small_member_entry("second")]
    message = refusal(small_study(members=members, overrides={"epochs": 2}))
    assert f"members/0 (first)/{key}: " in message or f"members/0/{key}: " in message


def test_rows_of_the_zoo_that_are_none_are_refused() -> None:
    assert "zoo/0" in refusal(small_study(zoo=[{"path": "x"}]))


# The message names the user's own mistake.


def of_predictions(*validation: dict[str, Any], members: Any = None) -> dict[str, Any]:
    return {
        "name": "p",
        "datasets": {"kind": "predictions", "validation": list(validation)},
        "members": members or {"from": "nowhere/{dataset}/*.npy"},
    }


def test_a_missing_file_of_labels_is_missing() -> None:
    message = refusal(of_predictions({"id": "clean"}))
    assert "datasets/validation/0 (clean)/labels: missing" in message
    assert "only" not in message


def test_the_first_label_of_a_set_of_images_is_refused() -> None:
    message = refusal(study_with_datasets(validation=[{"id": "clean", "first_label": 1}]))
    assert "(clean)/first_label: is a key of datasets of kind predictions only" in message


@pytest.mark.parametrize("names", ["columns", ["cat", "dog"], None])
@pytest.mark.parametrize("first", [0, 1, None])
def test_classes_and_labels_of_files_can_be_said_as_the_messages_propose(names: Any, first: int | None) -> None:
    members = [{"id": name, "kind": "predictions", "file": f"{name}.csv"} for name in "ab"]
    study = of_predictions({"id": "clean", "labels": "l.csv", "first_label": first}, members=members)
    study["datasets"]["class_names"] = names
    resolved = resolve(study)["datasets"]
    assert (resolved["class_names"], resolved["validation"][0]["first_label"]) == (names, first)


@pytest.mark.parametrize("names", [[], ["cat"], ["cat", "cat"], "rows", 3])
def test_other_names_of_classes_are_refused(names: Any) -> None:
    study = of_predictions({"id": "clean", "labels": "l.csv"})
    study["datasets"]["class_names"] = names
    assert "datasets/class_names: " in refusal(study)


def test_labels_of_a_set_of_images_are_refused() -> None:
    message = refusal(study_with_datasets(validation=[{"id": "clean", "labels": "l.csv"}]))
    assert "datasets/validation/0 (clean)/labels: is a key of datasets of kind predictions only" in message


FAULTS_BEFORE_PATTERNS = {
    "null": ({"datasets": None}, "datasets: None is not of type 'object'"),
    "no sets": ({"datasets": {"kind": "predictions", "validation": []}}, "datasets/validation: []"),
    "no labels": (of_predictions({"id": "clean"}), "datasets/validation/0 (clean)/labels: missing"),
    "of": (
        of_predictions(
            {"id": "clean", "labels": "l.csv"},
            {"id": "noise", "labels": "l.csv", "of": "claen", "corruption": "noise", "severity": 1},
        ),
        "datasets/validation/1 (noise)/of: 'claen' is not one of clean",
    ),
}


@pytest.mark.parametrize("case", FAULTS_BEFORE_PATTERNS)
def test_a_pattern_without_files_is_not_blamed_for_another_fault(case: str) -> None:
    changes, said = FAULTS_BEFORE_PATTERNS[case]
    message = refusal(of_predictions({"id": "clean", "labels": "l.csv"}) | changes)
    assert said in message
    assert "stands for no member" not in message
    assert "members" not in message


def test_a_pattern_without_files_is_named_where_the_datasets_are_without_fault() -> None:
    message = refusal(of_predictions({"id": "clean", "labels": "l.csv"}) | {"baseline": "a", "seed": "x"})
    assert message.index("seed: 'x' is not of type") < message.index("members/0/from: nowhere")
    assert "members/0/from: nowhere/{dataset}/*.npy stands for no member (no file matches)" in message
    assert "baseline" not in message
