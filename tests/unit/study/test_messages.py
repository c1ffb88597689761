"""What is refused: the message says the path, the value and what is allowed."""

from typing import Any

import pytest

from scripts.lib.study.resolve import resolve
from tests.unit.conftest import small_member_entry, small_study
from tests.unit.study.test_resolve import refusal, study_with_datasets, study_with_member

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
    "patches that do not fill the image": (
        study_with_member(image_size=34),
        ["members/0 (first)/image_size: 34 is not a multiple of the patch_size of"],
    ),
    "no list": (small_study(ensembles={"sizes": 3}), ["ensembles/sizes: 3 is not `all` or a list"]),
    "wrong value in a list": (
        small_study(deployment={"metrics": ["acc"]}),
        ["deployment/metrics/0: 'acc' is not one of accuracy, nll, brier"],
    ),
    "name with a space": (small_study(name="my zoo"), ["name: 'my zoo' may have only letters, digits"]),
    "number in YAML's eyes a text": (
        study_with_member(optimizer={"lr": "1e-2"}),
        ["optimizer/lr: '1e-2' is not of type 'number'; write 0.01 without quotes"],
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


def test_what_is_missing_is_said_once() -> None:
    message = refusal(small_study(members=[{"id": "d", "kind": "dino", "backbone": "b"}]))
    assert message.count("members/0 (d): missing optimizer, schedule") == 1


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
