"""The networks: an architecture is a function from its parameters to a model and the name of its classifier head."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from scripts.lib.jobs.errors import StudyError
from scripts.lib.networks.resnet import resnet
from scripts.lib.networks.vision import timm, torchvision


@dataclass(frozen=True)
class Network:
    """A model float32 [B, 3, H, W] → logits [B, C], and the name of the module that is its classifier head."""

    model: nn.Module
    head: str


Builder = Callable[[dict[str, Any], int, int], Network]
ARCHITECTURES: dict[str, Builder] = {}


def architecture(builder: Builder) -> Builder:
    """Register a builder (parameters, classes, image size) → Network under its name without the leading underscore."""
    ARCHITECTURES[builder.__name__.lstrip("_")] = builder
    return builder


@architecture
def _resnext(parameters: dict[str, Any], classes: int, image_size: int) -> Network:
    """Xie et al. 2017, in timm's implementation."""
    model = timm.models.resnet.ResNet(
        timm.models.resnet.Bottleneck,  # type: ignore[arg-type]  # timm's annotation says an instance, but it takes the class
        parameters["layers"],
        cardinality=parameters["cardinality"],
        base_width=parameters["block_width"],
        drop_rate=parameters["dropout"],
        num_classes=classes,
    )
    return Network(model, "fc")


@architecture
def _resnet(parameters: dict[str, Any], classes: int, image_size: int) -> Network:
    """He et al. 2016, in torchvision's implementation, complete or as a sub-network with other widths."""
    return Network(resnet(parameters, classes), "fc")


@architecture
def _mnasnet(parameters: dict[str, Any], classes: int, image_size: int) -> Network:
    """Tan et al. 2019, in torchvision's implementation."""
    model = torchvision.models.MNASNet(parameters["depth_multiplier"], classes, parameters["dropout"])
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = parameters["batch_norm_momentum"]
    return Network(model, "classifier.1")


@architecture
def _squeezenet(parameters: dict[str, Any], classes: int, image_size: int) -> Network:
    """Iandola et al. 2016, in torchvision's implementation. Its head is a 1 × 1 convolution."""
    version = parameters["version"].replace(".", "_")
    model = torchvision.models.SqueezeNet(version, classes, parameters["dropout"])
    return Network(model, "classifier.1")


@architecture
def _deit(parameters: dict[str, Any], classes: int, image_size: int) -> Network:
    """Touvron et al. 2021, without the distillation token, in timm's implementation."""
    model = timm.create_model(
        "deit_tiny_patch16_224",
        img_size=image_size,
        patch_size=parameters["patch_size"],
        embed_dim=parameters["embedding"],
        num_heads=parameters["heads"],
        depth=parameters["depth"],
        num_classes=classes,
        dynamic_img_size=True,  # DINO shows the network crops of two sizes
    )
    return Network(model, "head")


@architecture
def _timm(parameters: dict[str, Any], classes: int, image_size: int) -> Network:
    """Any model that timm can create."""
    try:
        model = timm.create_model(parameters["model"], num_classes=classes, **parameters["parameters"])
    except (RuntimeError, TypeError) as error:
        raise StudyError(f"architecture: timm cannot create {parameters['model']!r} ({error}).") from None
    head: Any = model.pretrained_cfg.get("classifier")  # type: ignore[union-attr,operator]
    if not isinstance(head, str):
        raise StudyError(f"architecture: {parameters['model']!r} does not have exactly one classifier head ({head}).")
    return Network(model, head)


@architecture
def _torchvision(parameters: dict[str, Any], classes: int, image_size: int) -> Network:
    """Any classifier of torchvision. Its head is the last layer with one output per class."""
    name = parameters["model"]
    if name not in torchvision.models.list_models(module=torchvision.models):
        raise StudyError(f"architecture: torchvision has no classifier {name!r}.")
    try:
        model = torchvision.models.get_model(name, weights=None, num_classes=classes, **parameters["parameters"])
    except (TypeError, ValueError) as error:
        raise StudyError(f"architecture: torchvision cannot create {name!r} ({error}).") from None
    layers = [name for name, layer in model.named_modules() if classes in outputs_of(layer)]
    return Network(model, layers[-1])


def outputs_of(layer: nn.Module) -> tuple[int, ...]:
    """The numbers of outputs of a layer that may be a classifier head; empty for other layers."""
    return tuple(getattr(layer, key) for key in ("out_features", "out_channels") if hasattr(layer, key))


def build(member: dict[str, Any], classes: int) -> Network:
    """The untrained network of a member of the study, initialised from torch's global random stream."""
    parameters = member["architecture"]
    network = ARCHITECTURES[parameters["name"]](parameters, classes, member["image_size"])
    for module in network.model.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]  # gradient hooks must see the input (captum #837)
    return network


def pooled(inputs: torch.Tensor) -> torch.Tensor:
    """The input of a classifier head as activations [B, D]; that of a convolution is averaged over height and width."""
    return inputs.flatten(2).mean(2) if inputs.ndim == 4 else inputs


def to_device(model: nn.Module, device: torch.device) -> nn.Module:
    """The model on `device`, with convolutions in the channels-last layout, which is up to three times as fast."""
    return model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
