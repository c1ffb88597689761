"""The networks are the paper's, and their weights are restored unchanged."""

from typing import Any

import pytest
import torch
from torch import nn

from scripts.lib.jobs.errors import StudyError
from scripts.lib.networks.architectures import Network, build
from scripts.lib.networks.cost import count_parameters
from scripts.lib.networks.vision import timm, torchvision
from scripts.lib.study.resolve import resolve
from tests.unit.conftest import small_member, small_member_entry, small_study

RECIPES = {
    "ResNext50_32_2",
    "ResNext50_32_41",
    "ResNext50_16_4",
    "MNASNET_1",
    "MNASNET_1p",
    "Squeezenet_512",
    "Squeezenet",
    "deit_tiny_p16_224",
}


def paper_member(recipe: str, **changes: Any) -> dict[str, Any]:
    members = [{"id": recipe, "recipe": recipe, **changes}, small_member_entry("another")]
    return resolve(small_study(members=members))["members"][0]


def torchvision_resnext(layers: list[int], groups: int, width: int) -> nn.Module:
    """The same network by another library's code."""
    bottleneck = torchvision.models.resnet.Bottleneck
    return torchvision.models.ResNet(bottleneck, layers, groups=groups, width_per_group=width)


def parameters_by_another_way(recipe: str) -> int:
    published = {"MNASNET": 4_383_312, "Squeezenet": 1_235_496, "deit_tiny": 5_717_416}
    for name, count in published.items():
        if recipe.startswith(name):
            return count
    shapes = {
        "ResNext50_32_2": ([3, 4, 6, 3], 32, 2),
        "ResNext50_32_41": ([2, 2, 3, 2], 32, 4),
        "ResNext50_16_4": ([3, 4, 6, 3], 16, 4),
    }
    return sum(parameter.numel() for parameter in torchvision_resnext(*shapes[recipe]).parameters())


@pytest.fixture(scope="module", params=sorted(RECIPES))
def paper_network(request: pytest.FixtureRequest) -> tuple[str, Network]:
    torch.manual_seed(0)
    return request.param, build(paper_member(request.param), 1000)


def test_a_network_of_the_paper_has_its_number_of_parameters(paper_network: tuple[str, Network]) -> None:
    recipe, network = paper_network
    assert count_parameters(network.model) == parameters_by_another_way(recipe)


def test_a_network_of_the_paper_classifies_and_its_head_is_the_last_layer(paper_network: tuple[str, Network]) -> None:
    _, network = paper_network
    head = network.model.get_submodule(network.head)
    seen = []
    hook = head.register_forward_hook(lambda module, inputs, output: seen.append((inputs[0], output)))
    with torch.inference_mode():
        logits = network.model.eval()(torch.rand(1, 3, 224, 224))
    hook.remove()
    assert logits.shape == (1, 1000)
    assert logits.std() > 0
    [(features, output)] = seen
    assert features.shape[1] == head.weight.shape[1]
    if features.ndim == 2:
        assert torch.equal(output, logits)
    else:  # a convolution, after which SqueezeNet averages over space
        assert torch.allclose(output.relu().mean((2, 3)), logits, atol=1e-6)


def test_no_module_of_a_network_works_in_place(paper_network: tuple[str, Network]) -> None:
    _, network = paper_network
    assert not [name for name, module in network.model.named_modules() if getattr(module, "inplace", False)]


def test_the_dropout_of_the_recipes_is_in_the_networks() -> None:
    assert build(paper_member("ResNext50_32_2"), 10).model.drop_rate == 0.2
    for recipe, share in (("MNASNET_1", 0.2), ("Squeezenet", 0.5)):
        found = [
            module.p for module in build(paper_member(recipe), 10).model.modules() if isinstance(module, nn.Dropout)
        ]
        assert found == [share]


def test_the_batch_norm_momentum_of_a_study_is_that_of_every_layer() -> None:
    member = paper_member("MNASNET_1", architecture={"batch_norm_momentum": 0.25})
    layers = [module for module in build(member, 10).model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(layers) > 50
    assert {layer.momentum for layer in layers} == {0.25}


def test_a_deit_of_another_size_has_tokens_for_it() -> None:
    member = paper_member("deit_tiny_p16_224", image_size=64, architecture={"patch_size": 8})
    assert build(member, 10).model.pos_embed.shape == (1, 1 + 8 * 8, 192)


def test_any_model_of_timm_is_a_member() -> None:
    member = small_member(architecture={"name": "timm", "model": "resnet10t"})
    network = build(member, 7)
    assert count_parameters(network.model) == count_parameters(timm.create_model("resnet10t", num_classes=7))
    assert network.model.get_submodule(network.head).out_features == 7


@pytest.mark.parametrize("parameters", [{"model": "resnet0815"}, {"model": "resnet18", "parameters": {"colour": 1}}])
def test_a_model_that_timm_does_not_have_is_named(parameters: dict[str, Any]) -> None:
    member = small_member(architecture={"name": "timm", **parameters})
    with pytest.raises(StudyError, match=f"timm cannot create '{parameters['model']}'"):
        build(member, 7)


def test_the_initial_weights_follow_the_global_seed() -> None:
    member = small_member()
    weights = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        weights.append(build(member, 3).model.blocks[0].attn.qkv.weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_timm_model_with_two_heads_or_an_unknown_one_is_refused() -> None:
    for model, said in (("deit_tiny_distilled_patch16_224", "one classifier head"), ("resnet10x", "cannot create")):
        member = small_member() | {"architecture": {"name": "timm", "model": model, "parameters": {}}}
        with pytest.raises(StudyError, match=said):
            build(member, 3)
