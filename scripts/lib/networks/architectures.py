"""The networks: an architecture is one function from its parameters to a model and the name of its classifier head."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import whole_file
from scripts.lib.networks.resnet import resnet
from scripts.lib.networks.vision import timm, torchvision

TIMED_RUNS = 15


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
        timm.models.resnet.Bottleneck,  # type: ignore[arg-type]  # timm annotates an instance where it takes the class
        parameters["layers"],
        cardinality=parameters["cardinality"],
        base_width=parameters["block_width"],
        drop_rate=parameters["dropout"],
        num_classes=classes,
    )
    return Network(model, "fc")


@architecture
def _resnet(parameters: dict[str, Any], classes: int, image_size: int) -> Network:
    """He et al. 2016, in torchvision's implementation, whole or as a sub-network with other widths."""
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
    """Any classifier of torchvision. Its head is the last layer with an output for each class."""
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
    """The number of outputs of a layer that may be a classifier's head."""
    return tuple(getattr(layer, key) for key in ("out_features", "out_channels") if hasattr(layer, key))


def build(member: dict[str, Any], classes: int) -> Network:
    """The untrained network of a member of the study, initialised from torch's global random stream."""
    parameters = member["architecture"]
    network = ARCHITECTURES[parameters["name"]](parameters, classes, member["image_size"])
    for module in network.model.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]  # gradient hooks must see the input (captum #837)
    return network


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Write the model's parameters and buffers as safetensors."""
    save_weights_of(model.state_dict(), path)


def save_weights_of(state: dict[str, torch.Tensor], path: str | Path) -> None:
    """Write tensors by name as safetensors."""
    with whole_file(path) as part:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, part)


def read_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Read tensors by name. Raises StudyError for a file that is missing or no safetensors file."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise StudyError(f"the weights {path} cannot be read as safetensors: {error}.") from None


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Read weights into `model`. Raises StudyError naming what does not fit."""
    state = model.state_dict()  # carries torch's version numbers of the modules, which safetensors does not hold
    try:
        loaded = load_file(path)
        if differing := sorted(state.keys() ^ loaded.keys()):
            raise RuntimeError(f"{len(differing)} names differ, the first is {differing[0]}")
        state.update(loaded)
        model.load_state_dict(state)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise StudyError(f"the weights {path} do not fit the member: {error}. Delete them and run again.") from None


def place(model: nn.Module, device: torch.device) -> nn.Module:
    """The model on `device`, its convolutions in the channels-last layout, which is up to three times as fast."""
    return model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def load_trained(record: dict[str, Any], weights: str | Path, device: torch.device) -> Network:
    """A trained member in evaluation mode, from its training record and its weights."""
    network = build(record["member"], len(record["classes"]))
    load_weights(network.model, weights)
    place(network.model, device).eval()
    return network


def count_parameters(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_macs(model: nn.Module, image_size: int) -> int:
    """Multiply-accumulate operations for one image, counted by torch (which counts two operations for each).

    Attention is computed by plain matrix products, because torch does not count its fused form on the CPU.
    """
    model.eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        model(torch.zeros(1, 3, image_size, image_size))
    return counter.get_total_flops() // 2


def latency(model: nn.Module, image_size: int) -> float:
    """Milliseconds for one image on the CPU with the job's threads, the median of several runs after one to warm up."""
    image, seconds = torch.zeros(1, 3, image_size, image_size), []
    model.eval()
    with torch.inference_mode():
        for _ in range(TIMED_RUNS + 1):
            start = time.perf_counter()
            model(image)
            seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds[1:])
