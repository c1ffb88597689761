"""Super-networks and sub-networks in a study file."""

import copy
from typing import Any

import pytest
import yaml

from scripts.lib.jobs.errors import StudyError
from scripts.lib.study.resolve import ROOT, resolve

STUDY = yaml.safe_load((ROOT / "tests" / "studies" / "subnets.yaml").read_text(encoding="utf-8"))


def changed(**changes: Any) -> dict[str, Any]:
    """The test study with changes of its super-network."""
    study = copy.deepcopy(STUDY)
    study["supernets"][0].update(changes)
    return study


def test_an_entry_that_picks_points_stands_for_so_many_members() -> None:
    members = resolve(STUDY)["members"]
    assert [member["id"] for member in members] == ["base", "cut", "front-1", "front-2"]
    assert members[3]["subnet"] == {"search": {"pick": "pareto", "count": 2, "point": 2}}


def test_a_supernet_takes_architecture_and_images_from_its_base() -> None:
    study = resolve(STUDY)
    base, supernet = study["members"][0], study["supernets"][0]
    assert all(supernet[key] == base[key] for key in ("architecture", "image_size", "transforms"))


@pytest.mark.parametrize("name", ["config.yaml", "config/paper.yaml", "config/subnets.yaml"])
def test_the_studies_with_supernets_are_valid(name: str) -> None:
    study = resolve(yaml.safe_load((ROOT / name).read_text(encoding="utf-8")))
    assert study["supernets"]
    stages = study["supernets"][0]["bootstrapNAS"]["training"]["schedule"]["list_stage_descriptions"]
    assert [stage["train_dims"] for stage in stages] == [["depth"], ["depth"], *[["depth", "width"]] * 2]


def test_listing_1_is_the_papers() -> None:
    study = resolve(yaml.safe_load((ROOT / "config" / "paper.yaml").read_text(encoding="utf-8")))
    training = study["supernets"][0]["bootstrapNAS"]["training"]
    stages = training["schedule"]["list_stage_descriptions"]
    assert [stage["epochs"] for stage in stages] == [25, 40, 50, 50] == [stage["epochs_lr"] for stage in stages]
    assert {stage["init_lr"] for stage in stages} == {2.5e-6}
    assert [(stage["depth_indicator"], stage.get("width_indicator")) for stage in stages] == [
        (1, None),
        (2, None),
        (2, 2),
        (2, 3),
    ]


def test_wrong_names_are_refused() -> None:
    for study, reason in [
        (changed(base={"member": "bas"}), "base/member: 'bas' is not one of base; did you mean 'base'?"),
        (changed(base={"member": "base", "weights": "file"}), "base"),
        (changed(id="other"), "supernet: 'tiny' is not one of other"),
        (changed(bootstrapNAS={"search": {}}), "training"),
    ]:
        with pytest.raises(StudyError) as error:
            resolve(study)
        assert reason in str(error.value)


def test_a_stage_that_asks_for_an_elasticity_that_is_not_available_is_refused() -> None:
    study = changed()
    study["supernets"][0]["bootstrapNAS"]["training"]["elasticity"]["available_elasticity_dims"] = ["depth"]
    with pytest.raises(StudyError) as error:
        resolve(study)
    assert "list_stage_descriptions/1/train_dims: 'width' is not one of depth" in str(error.value)


def test_a_point_of_a_search_that_does_not_exist_is_refused() -> None:
    study = changed()
    del study["supernets"][0]["bootstrapNAS"]["search"]
    with pytest.raises(StudyError) as error:
        resolve(study)
    assert "the super-network 'tiny' has no section bootstrapNAS/search" in str(error.value)


def test_only_a_resnet_can_become_a_supernet() -> None:
    study = changed()
    study["members"][0]["architecture"] = {"name": "squeezenet"}
    with pytest.raises(StudyError) as error:
        resolve(study)
    assert "sub-networks can be cut out of 'resnet' only" in str(error.value)
