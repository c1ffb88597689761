"""Architecture families: which networks are variants of one design."""

from collections.abc import Mapping
from typing import Any

from scripts.lib.networks.vision import timm, torchvision

# Before `resnet`, because the names of these models contain it.
OWN_FAMILIES = ("resnext", "resnet", "mnasnet", "squeezenet", "deit")


def family_of(architecture: Mapping[str, Any]) -> str:
    """The family of a resolved `architecture`: that of the built-in networks by name, else the library's module.

    A model of timm or torchvision whose name contains that of a built-in network is of the same family
    (`seresnext50_32x4d` is a ResNeXt). Other models belong to the module of the library in which they are defined:
    `vit_base_patch16_224` is in timm's `vision_transformer`. The name of the architecture if the library no longer
    knows the model.
    """
    name = str(architecture.get("model", architecture["name"])).lower()
    for family in OWN_FAMILIES:
        if family in name:
            return family
    module = _module(architecture["name"], name)
    return module.rpartition(".")[2] if module else name


def _module(library: str, model: str) -> str | None:
    if library == "timm" and timm.is_model(model):
        return timm.model_entrypoint(model).__module__
    if library == "torchvision" and model in torchvision.models.list_models(module=torchvision.models):
        return torchvision.models.get_model_builder(model).__module__
    return None
