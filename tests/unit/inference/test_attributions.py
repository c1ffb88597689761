"""Attribution maps against computations by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.inference.attribution_methods.spec import ATTRIBUTION_METHODS
from scripts.lib.inference.attributions import attribute
from scripts.lib.inference.logits import BATCH
from scripts.lib.networks.architectures import Network, build
from scripts.lib.networks.preprocessing import prepare
from scripts.lib.study.resolve import resolve
from tests.unit.conftest import coloured_validation_set, small_member, small_member_entry, small_study
from tests.unit.inference.tiny_networks import CPU, Tiny, logits_of, settings, tiny_network

# Captum says each time that it sets hooks and takes them away again.
pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")

METHODS = ["Saliency", "InputXGradient", "IntegratedGradients", "GuidedBackprop"]


def maps_of(network: Network, validation: ValidationSet, chosen: dict[str, Any], **member: Any) -> np.ndarray:
    entry = small_member(**member)
    return attribute(entry, network, validation, logits_of(network, validation, entry), chosen, CPU, "maps")


def test_the_predicted_class_is_among_those_that_count() -> None:
    network, validation, member = tiny_network(), coloured_validation_set(4), small_member()
    first, second = settings(method="Saliency", target="prediction"), settings(method="Saliency", target="label")
    logits = np.tile(np.array([3.0, 1.0, 2.0], np.float32), (4, 1))
    among = attribute(member, network, validation, logits, first, CPU, "maps", scored=[1, 2])
    labelled = replace(validation, labels=np.full(4, 2))
    assert np.array_equal(among, attribute(member, network, labelled, logits, second, CPU, "maps"))
    assert not np.array_equal(among, attribute(member, network, validation, logits, first, CPU, "maps"))


def gradient(model: nn.Module, images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    images = images.detach().requires_grad_()
    model(images).gather(1, target[:, None]).sum().backward()
    assert images.grad is not None
    return images.grad


def as_map(values: torch.Tensor) -> np.ndarray:
    """Summed over channels in absolute value and scaled to maximum 1."""
    heat = values.abs().sum(1)
    return (heat / heat.amax((1, 2), keepdim=True)).numpy()


def by_hand(method: str, model: Tiny, images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    if method == "Saliency":
        return gradient(model, images, target)
    if method == "InputXGradient":
        return images * gradient(model, images, target)
    if method == "IntegratedGradients":
        nodes, weights = np.polynomial.legendre.leggauss(16)
        shares = [(float(node) + 1) / 2 for node in nodes]
        mean = sum(w / 2 * gradient(model, share * images, target) for share, w in zip(shares, weights, strict=True))
        return (images * mean).float()
    # Guided backpropagation: through a ReLU goes only what is positive, forward and backward.
    before = model.convolution(images)
    back = model.head.weight[target].view_as(before)
    guided = torch.where((before > 0) & (back > 0), back, torch.zeros(()))
    return nn.functional.conv_transpose2d(guided, model.convolution.weight, stride=4, output_padding=1).detach()


@pytest.mark.parametrize("method", METHODS)
def test_a_map_is_that_of_a_computation_by_hand(method: str) -> None:
    network, validation = tiny_network(), coloured_validation_set(5)
    images = prepare(validation.images, small_member(), CPU)
    target = network.model(images).argmax(1)
    expected = as_map(by_hand(method, network.model, images, target))
    found = maps_of(network, validation, settings(method))
    assert found.dtype == np.float16
    assert found.shape == (5, 32, 32)
    assert np.abs(found - expected).max() < 2e-3


def test_integrated_gradients_add_up_to_the_difference_of_the_logits() -> None:
    network = tiny_network(nn.Tanh())
    images = prepare(coloured_validation_set(4).images, small_member(), CPU)
    target = torch.tensor([0, 1, 2, 0])
    values = ATTRIBUTION_METHODS["IntegratedGradients"].attribute(network.model, images.requires_grad_(), target, 32)
    difference = network.model(images) - network.model(torch.zeros_like(images))
    assert torch.allclose(values.sum((1, 2, 3)), difference.gather(1, target[:, None])[:, 0], atol=1e-3)


def test_integrated_gradients_of_a_linear_network_are_input_times_gradient() -> None:
    network, validation = tiny_network(nn.Identity()), coloured_validation_set(3)
    integrated = maps_of(network, validation, settings("IntegratedGradients", steps=2))
    multiplied = maps_of(network, validation, settings("InputXGradient"))
    assert np.abs(integrated.astype(float) - multiplied).max() < 2e-3


def test_the_label_is_attributed_where_the_study_says_so() -> None:
    network, validation = tiny_network(), coloured_validation_set(6)
    images = prepare(validation.images, small_member(), CPU)
    predicted = network.model(images).argmax(1).numpy()
    others = ValidationSet(validation.images, (predicted + 1) % 3, validation.samples)
    by_label = maps_of(network, others, settings(target="label", samples=6))
    by_prediction = maps_of(network, others, settings(target="prediction", samples=6))
    expected = as_map(gradient(network.model, images, torch.from_numpy(others.labels)))
    assert np.abs(by_label - expected).max() < 2e-3
    assert np.abs(by_label.astype(float) - by_prediction).max() > 0.1


def test_maps_are_as_large_as_the_stored_images_and_at_most_one() -> None:
    network, validation = tiny_network(), coloured_validation_set(5, size=64)
    maps = maps_of(network, validation, settings(samples=4), image_size=32)
    assert maps.shape == (4, 64, 64)
    assert (maps.max((1, 2)) == 1).all()
    assert maps.min() >= 0


def test_a_map_that_is_zero_everywhere_stays_zero() -> None:
    network, validation = tiny_network(), coloured_validation_set(2)
    nn.init.zeros_(network.model.head.weight)
    assert (maps_of(network, validation, settings("InputXGradient")) == 0).all()


def test_gradients_too_small_for_float16_are_kept() -> None:
    network, validation = tiny_network(), coloured_validation_set(2)
    usual = maps_of(network, validation, settings("Saliency", target="label"))
    with torch.no_grad():
        network.model.head.weight.mul_(1e-12)
    tiny = maps_of(network, validation, settings("Saliency", target="label"))
    assert np.abs(usual.astype(float) - tiny).max() < 2e-3


def test_more_samples_than_images_are_all_images() -> None:
    assert len(maps_of(tiny_network(), coloured_validation_set(3), settings(samples=100))) == 3


def test_maps_beyond_the_first_batch_are_those_of_their_images() -> None:
    network, validation = tiny_network(), coloured_validation_set(BATCH + 3)
    rest = ValidationSet(validation.images[BATCH:], validation.labels[BATCH:], validation.samples[BATCH:])
    together = maps_of(network, validation, settings(target="label", samples=BATCH + 3))
    assert np.abs(together[BATCH:].astype(float) - maps_of(network, rest, settings(target="label"))).max() < 2e-3


RECIPES = {
    "ResNext50_32_2": 32,
    "ResNext50_32_41": 32,
    "ResNext50_16_4": 32,
    "MNASNET_1": 32,
    "MNASNET_1p": 32,
    "Squeezenet_512": 64,
    "Squeezenet": 64,
    "deit_tiny_p16_224": 32,
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_method_works_on_every_architecture_of_the_paper(recipe: str) -> None:
    entry = {"id": recipe, "recipe": recipe, "image_size": RECIPES[recipe]}
    member = resolve(small_study(members=[entry, small_member_entry("another")]))["members"][0]
    torch.manual_seed(0)
    network = build(member, 3)
    network.model.eval()
    if recipe.startswith("Squeeze"):  # its head starts so near to zero that a final ReLU may leave no gradient
        nn.init.constant_(network.model.classifier[1].bias, 1.0)
    validation = coloured_validation_set(1)
    logits = logits_of(network, validation, member)
    for method in METHODS:
        chosen = settings(method, samples=1, steps=4)
        [found] = attribute(member, network, validation, logits, chosen, CPU, method)
        assert found.shape == (32, 32), method
        assert found.max() == 1, method
        assert np.isfinite(found).all(), method
        assert np.unique(found).size > 20, method
