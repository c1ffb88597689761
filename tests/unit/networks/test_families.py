"""Architecture families of networks."""

import pytest

from scripts.lib.networks.architectures import ARCHITECTURES
from scripts.lib.networks.families import OWN_FAMILIES, family_of


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - {"timm", "torchvision"}))
def test_the_built_in_networks_have_their_own_families(name: str) -> None:
    assert name in OWN_FAMILIES
    assert family_of({"name": name}) == name


@pytest.mark.parametrize(
    ("library", "model", "family"),
    [
        ("timm", "resnet50.a1_in1k", "resnet"),
        ("timm", "seresnext50_32x4d", "resnext"),
        ("timm", "wide_resnet50_2", "resnet"),
        ("timm", "deit_tiny_patch16_224", "deit"),
        ("timm", "vit_base_patch16_224.augreg_in1k", "vision_transformer"),
        ("torchvision", "resnext50_32x4d", "resnext"),
        ("torchvision", "densenet121", "densenet"),
        ("torchvision", "efficientnet_b0", "efficientnet"),
        ("timm", "a_model_that_timm_has_dropped", "a_model_that_timm_has_dropped"),
    ],
)
def test_models_of_libraries_belong_to_a_built_in_family_or_to_their_module(
    library: str, model: str, family: str
) -> None:
    assert family_of({"name": library, "model": model}) == family
