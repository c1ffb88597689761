"""The section `groups`: sweeps, copies, ids, seeds, schedules, and what is refused."""

from typing import Any

import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.study.groups import has_swept_loss
from scripts.lib.study.resolve import resolve
from scripts.lib.training.parts import smallest_part
from tests.unit.conftest import small_member_entry, small_study


def entry(**changes: Any) -> dict[str, Any]:
    """A member of a group, without what the group decides."""
    member = small_member_entry("x", **changes)
    return {key: value for key, value in member.items() if key not in ("id", "epochs", "batch_size")}


def a_group(name: str = "g", **changes: Any) -> dict[str, Any]:
    return {"id": name, "members": [entry() | {"copies": 2}], "epochs": 2, "batch_size": 8} | changes


def resolved(*groups: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return resolve(small_study(groups=list(groups)) | changes)


def refused(*groups: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(StudyError) as error:
        resolved(*groups, **changes)
    return str(error.value)


def test_members_of_groups_follow_those_of_the_study() -> None:
    study = resolved(a_group(seed=3))
    assert [member["id"] for member in study["members"]] == ["first", "second", "g-1", "g-2"]
    assert study["groups"][0]["members"] == ["g-1", "g-2"]
    first, second = study["members"][2:]
    assert (first["kind"], first["group"], first["seed"], second["seed"]) == ("grouped", "g", 3001, 3002)
    assert (first["epochs"], first["batch_size"]) == (2, 8)
    assert first["architecture"] == second["architecture"]


def test_a_study_may_have_members_of_groups_only() -> None:
    study = small_study(groups=[a_group()])
    del study["members"]
    assert [member["id"] for member in resolve(study)["members"]] == ["g-1", "g-2"]


def test_a_sweep_stands_for_a_group_for_each_weight_and_seed() -> None:
    study = resolved(a_group("ncl", sweep={"weights": {"ncl": [0.3, 1]}, "seeds": [1, 2]}))
    assert [group["id"] for group in study["groups"]] == ["ncl-w0.3-s1", "ncl-w0.3-s2", "ncl-w1-s1", "ncl-w1-s2"]
    assert {group["way"] for group in study["groups"]} == {"ncl"}
    assert study["groups"][1]["loss"] == {"ncl": 0.3}
    assert study["groups"][1]["seed"] == 2
    assert study["groups"][1]["members"] == ["ncl-w0.3-s2-1", "ncl-w0.3-s2-2"]


def test_a_sweep_of_two_terms_has_all_combinations_and_keeps_other_terms() -> None:
    weights = {"ncl": [0.1, 0.2], "activation": [1]}
    study = resolved(a_group(loss={"joint": 0.5}, sweep={"weights": weights}))
    assert [group["id"] for group in study["groups"]] == ["g-ncl0.1-activation1", "g-ncl0.2-activation1"]
    assert study["groups"][0]["loss"] == {"activation": 1, "joint": 0.5, "ncl": 0.1}


def test_members_can_have_names_and_recipes() -> None:
    named = {"recipe": "Squeezenet", "image_size": 32, "id": "squeeze"}
    study = resolved(a_group(members=[named, entry()]))
    assert study["groups"][0]["members"] == ["g-squeeze", "g-2"]
    assert study["members"][2]["architecture"]["name"] == "squeezenet"


def test_a_schedule_is_scaled_from_the_members_epochs_to_the_groups() -> None:
    """The recipe lowers the rate every 30 of 100 epochs: in a group of 2 epochs, every 0.6."""
    study = resolved(a_group(members=[{"recipe": "Squeezenet", "image_size": 32, "copies": 2}]))
    assert study["members"][2]["schedule"]["every_epochs"] == pytest.approx(0.6)


def test_a_resolved_study_stays_as_it_is() -> None:
    study = resolved(a_group(sweep={"weights": {"ncl": [0.3, 1]}}))
    assert resolve(study) == study


def test_whether_a_term_has_several_weights() -> None:
    assert has_swept_loss(resolved(a_group(sweep={"weights": {"ncl": [0.3, 1]}}))["groups"])
    assert not has_swept_loss(resolved(a_group(loss={"ncl": 1}), a_group("h", loss={"joint": 1}))["groups"])


# What is refused, by key.


def test_a_group_of_one() -> None:
    assert "groups/0 (g)/members: a group needs at least two members" in refused(a_group(members=[entry()]))


def test_weights_out_of_range_and_unknown_terms() -> None:
    assert "groups/0 (g)/loss/joint: 2 is greater than the maximum of 1" in refused(a_group(loss={"joint": 2}))
    assert "groups/0 (g)/loss: unknown key 'nlc'" in refused(a_group(loss={"nlc": 1}))
    swept = refused(a_group(sweep={"weights": {"gncl": [0.5, 1.5]}}))
    assert "groups/0 (g)/sweep/weights/gncl/1: 1.5 is greater than the maximum of 1" in swept


def test_a_wrong_key_of_a_member_is_named_once_whatever_the_sweep() -> None:
    wrong = entry() | {"optimiser": {}, "copies": 2}
    message = refused(a_group(members=[wrong], sweep={"seeds": [1, 2, 3]}))
    assert "groups/0 (g)/members/0 (g-s1-1): unknown key 'optimiser'" in message
    assert "g-s2" not in message


def test_a_missing_architecture() -> None:
    missing = {key: value for key, value in entry().items() if key != "architecture"}
    assert "missing architecture" in refused(a_group(members=[missing, entry()]))


def test_a_member_that_is_named_instead_of_written() -> None:
    assert "groups/0 (g)/members/0: 'first' is not a section of keys" in refused(a_group(members=["first", "second"]))


def test_a_member_that_is_also_a_plain_member() -> None:
    message = refused(a_group(), members=[small_member_entry("g-1"), small_member_entry("second")])
    assert "the id 'g-1' is used 2 times" in message


def test_two_groups_of_one_id() -> None:
    assert "groups: the id 'g' is used 2 times" in refused(a_group(), a_group())


def test_kinds_that_cannot_be_trained_together() -> None:
    message = refused(a_group(members=[{"recipe": "dino_deit_tiny", "copies": 2}]))
    assert "groups (g)/members/0: it is of kind 'dino', but only members of kind 'supervised'" in message


def test_a_batch_too_small_for_cka() -> None:
    message = refused(a_group(batch_size=3, loss={"activation": 1}))
    assert "batch_size: 3 images are computed at once, but the loss term 'activation' needs 4 or more" in message
    divided = refused(a_group(loss={"activation": 1}), training={"images_at_once": 3})
    assert "batch_size: 2 images are computed at once (training/images_at_once: 3), but" in divided  # 8 in three parts
    few = refused(a_group(loss={"activation": 1}, training_images=3))
    assert "batch_size: 3 images" in few


def test_weights_that_the_loss_would_never_have() -> None:
    message = refused(a_group(epochs=2, ramp_epochs=50, loss={"ncl": 0.5}))
    assert "ramp_epochs: 50 is more than the 2 epochs, so the loss would never have its weights" in message


def test_a_seed_beside_swept_seeds() -> None:
    message = refused(a_group(seed=7, sweep={"seeds": [1, 2]}))
    assert "groups/0 (g)/seed: the seeds of `sweep` take its place; remove one of the two" in message


def test_an_accumulated_batch_is_divided_into_equal_parts() -> None:
    """5 + 5 of 10, not 8 + 2, which would be too few for CKA."""
    resolved(a_group(loss={"activation": 1}, batch_size=10), training={"images_at_once": 8})
    assert [smallest_part(10, at_once) for at_once in (None, 10, 8, 4, 3)] == [10, 10, 5, 3, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"copies": 0}, "members/0/copies: 0 is less than the minimum of 1"),
        ({"copies": 2.0}, "members/0/copies: 2.0 is not of type 'integer'"),
        ({"epochs": "90"}, "members/0/epochs: '90' is not of type 'integer'"),
        ({"schedule": "cosine"}, "members/0/schedule: 'cosine' is not of type 'object'"),
    ],
)
def test_a_malformed_entry_of_a_member(changes: dict[str, Any], message: str) -> None:
    assert f"groups/0 (g)/{message}" in refused(a_group(members=[entry() | {"copies": 2} | changes]))


def test_a_supernet_cannot_start_from_a_member_of_a_group() -> None:
    supernet = {
        "id": "s",
        "base": {"member": "g-1"},
        "batch_size": 8,
        "bootstrapNAS": {
            "training": {
                "algorithm": "progressive_shrinking",
                "schedule": {"list_stage_descriptions": []},
                "elasticity": {"available_elasticity_dims": ["depth"]},
            }
        },
    }
    assert "supernets/0 (s)/base/member: 'g-1'" in refused(a_group(), supernets=[supernet])


def test_crops_that_differ() -> None:
    other = entry(transforms={"crop_scale": [0.5, 1]})
    message = refused(a_group(members=[entry(), other]))
    assert "members (g-2)/transforms/crop_scale: [0.5, 1], but g-1 has" in message
    assert "a group sees the same crops" in message


@pytest.mark.parametrize(("key", "value"), [("compile", True), ("precision", "float16"), ("gpus", 2)])
def test_settings_that_cannot_be_differentiated_twice(key: str, value: Any) -> None:
    message = refused(a_group(loss={"attribution": 1}), training={key: value})
    assert f"loss/attribution: its gradient cannot be computed with training/{key}" in message


def test_members_of_the_kind_that_only_groups_have() -> None:
    message = refused(members=[small_member_entry("a", kind="grouped"), small_member_entry("b")])
    assert "members of kind 'grouped' come from the section `groups`" in message


@pytest.mark.parametrize("kind", [{}, {"kind": "supervised"}])
def test_a_precision_among_the_overrides_leaves_groups_alone(kind: dict[str, str]) -> None:
    study = resolved(a_group(members=[entry() | kind | {"copies": 2}]), overrides={"precision": "bfloat16"})
    assert ["precision" in member for member in study["members"]] == [True, True, False, False]


def test_a_precision_counts_for_a_whole_group() -> None:
    """Its members are computed in one step, so one of them cannot have its own."""
    message = refused(a_group(members=[entry(precision="bfloat16"), entry()]))
    assert "members/0" in message
    assert "precision" in message
