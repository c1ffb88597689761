"""The networks are the paper's, and their weights are restored unchanged."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from scripts.lib.jobs.errors import StudyError
from scripts.lib.members.table import SCHEMA, members_table
from scripts.lib.networks.architectures import Network, build, to_device
from scripts.lib.networks.cost import count_macs, count_parameters
from scripts.lib.networks.vision import timm, torchvision
from scripts.lib.networks.weights import load_trained, load_weights, save_weights
from scripts.lib.study.resolve import resolve
from tests.unit.conftest import SMALL_MNASNET, SMALL_RESNEXT, small_member, small_member_entry, small_study

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


# Weights in files.


@pytest.mark.parametrize("architecture", [SMALL_RESNEXT, SMALL_MNASNET])
def test_saved_weights_give_the_same_logits(architecture: dict[str, Any], tmp_path: Path) -> None:
    member = small_member(architecture=architecture)
    model = to_device(build(member, 3).model, torch.device("cpu"))
    images = torch.rand(4, 3, 32, 32)
    model(images)  # moves the running statistics away from their start
    save_weights(model, tmp_path / "a.safetensors")
    record = {"member": member, "classes": ["a", "b", "c"]}
    loaded = load_trained(record, tmp_path / "a.safetensors", torch.device("cpu"))
    assert not loaded.model.training
    with torch.inference_mode():
        assert torch.equal(loaded.model(images), model.eval()(images))


@pytest.fixture
def stored(tmp_path: Path) -> tuple[nn.Module, Path]:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    save_weights(model, tmp_path / "a.safetensors")
    return model, tmp_path / "a.safetensors"


def test_a_missing_tensor_is_named(stored: tuple[nn.Module, Path]) -> None:
    model, path = stored
    save_file({name: tensor for name, tensor in load_file(path).items() if name != "0.bias"}, path)
    with pytest.raises(StudyError, match=rf"the weights {path} do not fit .* 1 names differ, the first is 0\.bias"):
        load_weights(model, path)


def test_a_tensor_too_many_is_named(stored: tuple[nn.Module, Path]) -> None:
    model, path = stored
    save_file(load_file(path) | {"extra": torch.zeros(1)}, path)
    with pytest.raises(StudyError, match="the first is extra"):
        load_weights(model, path)


def test_a_tensor_of_another_shape_is_named(stored: tuple[nn.Module, Path]) -> None:
    model, path = stored
    save_file(load_file(path) | {"0.weight": torch.zeros(4, 2)}, path)
    with pytest.raises(StudyError, match=r"size mismatch for 0\.weight"):
        load_weights(model, path)


@pytest.mark.parametrize("damage", ["missing", "truncated", "foreign"])
def test_weights_that_cannot_be_read_are_named(damage: str, stored: tuple[nn.Module, Path]) -> None:
    model, path = stored
    content = {"missing": None, "truncated": path.read_bytes()[:-8], "foreign": b"no weights"}[damage]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StudyError, match=f"the weights {path}"):
        load_weights(model, path)


# Size and cost.


def test_operations_are_those_counted_by_hand() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16 * 16, 5))
    convolution, linear = 16 * 16 * 8 * 3 * 3 * 3, 8 * 16 * 16 * 5
    assert count_macs(model, 16) == convolution + linear


def test_operations_of_grouped_convolutions_count_their_group_only() -> None:
    assert count_macs(nn.Conv2d(3, 6, 1, groups=3), 10) == 10 * 10 * 6


def test_operations_of_attention_are_counted() -> None:
    """DeiT-tiny at 224 pixels: 197 tokens of 192 channels in 12 blocks."""
    tokens, width = 197, 192
    linear = 12 * width * width  # query, key, value, projection and a perceptron of four times the width
    attention = 2 * tokens * width
    patches, head = 196 * 3 * 16 * 16 * width, width * 1000
    expected = 12 * tokens * (linear + attention) + patches + head
    assert count_macs(build(paper_member("deit_tiny_p16_224"), 1000).model, 224) == expected


def test_the_table_of_members_has_a_row_a_member_in_the_order_of_the_study() -> None:
    members = [small_member("b"), small_member("a", epochs=3)]
    records = {
        m["id"]: {"member": m, "classes": ["x", "y"], "training_images": 5 + i, "seconds": 1.5, "device": "CPU"}
        for i, m in enumerate(members)
    }
    given = {"id": "c", "kind": "predictions", "macs": 7}
    table = members_table([*members, given], records)
    assert dict(table.schema) == SCHEMA
    assert table["position"].to_list() == [0, 1, 2]
    assert table["member"].to_list() == ["b", "a", "c"]
    assert table["epochs"].to_list() == [1, 3, None]
    assert table["training_images"].to_list() == [5, 6, None]
    assert table["macs"][2] == 7
    assert table["latency_ms"][0] > 0
    assert table["latency_ms"][2] is None
    assert table["parameters"][0] == count_parameters(build(members[0], 2).model)
    assert table["macs"].min() > 0


def test_a_timm_model_with_two_heads_or_an_unknown_one_is_refused() -> None:
    for model, said in (("deit_tiny_distilled_patch16_224", "one classifier head"), ("resnet10x", "cannot create")):
        member = small_member() | {"architecture": {"name": "timm", "model": model, "parameters": {}}}
        with pytest.raises(StudyError, match=said):
            build(member, 3)
