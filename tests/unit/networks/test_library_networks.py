"""Our networks are those of torchvision and timm: names, initial weights, results and gradients, bit for bit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from scripts.lib.networks.architectures import build
from scripts.lib.networks.vision import timm, torchvision

# isort: split
from timm.models.resnet import Bottleneck, ResNet

Theirs = Callable[[int], nn.Module]


def resnext(layers: list[int], cardinality: int, width: int) -> tuple[dict[str, Any], Theirs]:
    ours = {"name": "resnext", "layers": layers, "cardinality": cardinality, "block_width": width, "dropout": 0.2}
    options: dict[str, Any] = {"cardinality": cardinality, "base_width": width, "drop_rate": 0.2}
    return ours, lambda classes: ResNet(Bottleneck, layers, num_classes=classes, **options)  # type: ignore[arg-type]


def resnet(name: str, block: str, layers: list[int]) -> tuple[dict[str, Any], Theirs]:
    ours = {"name": "resnet", "block": block, "layers": layers, "stem": 64}
    return ours, lambda classes: getattr(torchvision.models, name)(num_classes=classes)


def mnasnet(multiplier: float) -> tuple[dict[str, Any], Theirs]:
    ours = {"name": "mnasnet", "depth_multiplier": multiplier, "dropout": 0.3, "batch_norm_momentum": 1 - 0.9997}
    return ours, lambda classes: torchvision.models.MNASNet(multiplier, classes, 0.3)


def squeezenet(version: str) -> tuple[dict[str, Any], Theirs]:
    ours = {"name": "squeezenet", "version": version, "dropout": 0.4}
    return ours, lambda classes: torchvision.models.SqueezeNet(version.replace(".", "_"), classes, 0.4)


def deit(patch: int, embedding: int, depth: int) -> tuple[dict[str, Any], Theirs]:
    ours = {"name": "deit", "patch_size": patch, "embedding": embedding, "heads": 3, "depth": depth}
    sizes: dict[str, Any] = {
        "img_size": 64,
        "patch_size": patch,
        "embed_dim": embedding,
        "depth": depth,
        "num_heads": 3,
    }
    name = "deit_tiny_patch16_224"
    return ours, lambda classes: timm.create_model(name, num_classes=classes, dynamic_img_size=True, **sizes)


PAIRS = {
    "ResNext50_32_2": resnext([3, 4, 6, 3], 32, 2),
    "ResNext50_32_41": resnext([2, 2, 3, 2], 32, 4),
    "narrow ResNext": resnext([1, 1, 1, 1], 1, 16),
    "ResNet-50": resnet("resnet50", "bottleneck", [3, 4, 6, 3]),
    "ResNet-18": resnet("resnet18", "basic", [2, 2, 2, 2]),
    **{f"MNASNet {multiplier}": mnasnet(multiplier) for multiplier in (0.35, 0.75, 1.0, 1.3)},
    "SqueezeNet 1.0": squeezenet("1.0"),
    "SqueezeNet 1.1": squeezenet("1.1"),
    "DeiT tiny": deit(16, 192, 12),
    "small DeiT": deit(8, 48, 2),
}


def out_of_place(model: nn.Module) -> nn.Module:
    """As `build` returns its networks."""
    for module in model.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    return model


@pytest.fixture(scope="module", params=PAIRS, ids=str)
def pair(request: pytest.FixtureRequest) -> tuple[nn.Module, nn.Module]:
    """Our network and theirs, from the same random stream, which both leave in the same state."""
    parameters, theirs = PAIRS[request.param]
    torch.manual_seed(5)
    our_model, ours_next = build({"architecture": parameters, "image_size": 64}, 7).model, torch.rand(1)
    torch.manual_seed(5)
    their_model, theirs_next = out_of_place(theirs(7)), torch.rand(1)
    assert torch.equal(ours_next, theirs_next)
    return our_model, their_model


def test_names_and_initial_weights_are_theirs(pair: tuple[nn.Module, nn.Module]) -> None:
    ours, theirs = (model.state_dict() for model in pair)
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("size", [64, 48])
def test_logits_are_theirs(pair: tuple[nn.Module, nn.Module], size: int) -> None:
    images = torch.randn(3, 3, size, size)
    with torch.no_grad():
        ours, theirs = (model.eval()(images) for model in pair)
    assert torch.equal(ours, theirs)
    assert ours.std() > 0


def test_gradients_of_a_training_step_are_theirs(pair: tuple[nn.Module, nn.Module]) -> None:
    images, labels = torch.randn(4, 3, 64, 64), torch.tensor([0, 1, 2, 3])
    gradients = []
    for model in pair:
        torch.manual_seed(1)  # of the dropout
        loss = nn.functional.cross_entropy(model.train()(images), labels)
        gradients.append(torch.autograd.grad(loss, list(model.parameters())))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*gradients, strict=True))
    assert any(gradient.any() for gradient in gradients[0])


def test_an_image_of_broken_patches_is_refused() -> None:
    model = build({"architecture": PAIRS["small DeiT"][0], "image_size": 32}, 3).model
    with pytest.raises(ValueError, match="images of 36 × 32 pixels cannot be divided into patches of 8"):
        model(torch.zeros(1, 3, 36, 32))
