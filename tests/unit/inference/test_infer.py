"""Logits, attributions and activations against computations by hand."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scripts.lib.datasets.image_set import ArrayImages
from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.inference.attribution_methods.spec import ATTRIBUTION_METHODS
from scripts.lib.inference.infer import BATCH, attribute, infer, predict, require_finite_logits
from scripts.lib.jobs.device import choose_device, device_name
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import digest_of_lines, load_json
from scripts.lib.networks.architectures import Network, build
from scripts.lib.networks.preprocessing import prepare
from scripts.lib.networks.vision import torchvision
from scripts.lib.study.resolve import resolve
from tests.unit.conftest import coloured_validation_set, small_member, small_member_entry, small_study

# Captum says each time that it sets hooks and takes them away again.
pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")

CPU = torch.device("cpu")
METHODS = ["Saliency", "InputXGradient", "IntegratedGradients", "GuidedBackprop"]


class Tiny(nn.Module):
    """Convolution, activation, linear head; small enough to differentiate by hand."""

    def __init__(self, activation: nn.Module, size: int = 32) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, stride=4)
        self.activation = activation
        self.head = nn.Linear(4 * ((size - 3) // 4 + 1) ** 2, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.activation(self.convolution(images)).flatten(1))


def tiny_network(activation: nn.Module | None = None) -> Network:
    torch.manual_seed(0)
    return Network(Tiny(activation or nn.ReLU()).eval(), "head")


def settings(method: str = "Saliency", target: str = "prediction", samples: int = 5, steps: int = 16) -> dict[str, Any]:
    return {"method": method, "target": target, "samples": samples, "steps": steps}


def logits_of(network: Network, validation: ValidationSet, member: dict[str, Any]) -> np.ndarray:
    with torch.inference_mode():
        return network.model(prepare(validation.images, member, CPU)).numpy()


def maps_of(network: Network, validation: ValidationSet, chosen: dict[str, Any], **member: Any) -> np.ndarray:
    entry = small_member(**member)
    return attribute(entry, network, validation, logits_of(network, validation, entry), chosen, CPU, "maps")


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


# What a member sees.


def test_a_member_sees_what_torchvision_would_give_it() -> None:
    validation = coloured_validation_set(3)
    member = small_member(transforms={"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7]})
    transforms = torchvision.transforms
    usual = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.1, 0.2, 0.3], [0.5, 0.6, 0.7])])
    pictures = ArrayImages(validation.images)
    expected = torch.stack([usual(pictures[row]) for row in range(3)])
    found = prepare(validation.images, member, CPU)
    assert found.dtype == torch.float32
    assert torch.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(("stored", "seen"), [(64, 32), (40, 32), (32, 48)])
def test_a_member_of_another_size_sees_the_resized_image(stored: int, seen: int) -> None:
    validation = coloured_validation_set(2, stored)
    transforms = torchvision.transforms
    usual = transforms.Compose(
        [
            transforms.ToTensor(),
            transforms.Resize((seen, seen), antialias=True),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    pictures = ArrayImages(validation.images)
    expected = torch.stack([usual(pictures[row]) for row in range(2)])
    found = prepare(validation.images, small_member(image_size=seen), CPU)
    assert torch.allclose(found, expected, atol=1e-5)


# Attributions.


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


# Activations.


def activate(member: dict[str, Any], network: Network, pixels: np.ndarray, device: torch.device) -> np.ndarray:
    return predict(member, network, pixels, len(pixels), device, "test")[1]


def test_activations_are_the_input_of_the_head() -> None:
    network, validation = tiny_network(), coloured_validation_set(4)
    images = prepare(validation.images, small_member(), CPU)
    expected = network.model.convolution(images).relu().flatten(1).detach().numpy()
    found = activate(small_member(), network, validation.images, CPU)
    assert found.dtype == np.float16
    assert np.allclose(found, expected, atol=2e-3)


def test_activations_of_a_convolutional_head_are_averaged_over_space() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Conv2d(5, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    validation = coloured_validation_set(3)
    images = prepare(validation.images, small_member(), CPU)
    found = activate(small_member(), Network(model, "1"), validation.images, CPU)
    assert np.allclose(found, model[0](images).mean((2, 3)).detach().numpy(), atol=2e-3)


def test_only_the_first_activations_are_kept() -> None:
    network, pixels = tiny_network(), coloured_validation_set(BATCH + 3).images
    logits, activations = predict(small_member(), network, pixels, 2, CPU, "test")
    assert len(logits) == BATCH + 3
    assert np.allclose(activations, activate(small_member(), network, pixels, CPU)[:2], atol=2e-3)


def test_activations_leave_no_hook_behind() -> None:
    network, validation = tiny_network(), coloured_validation_set(2)
    activate(small_member(), network, validation.images, CPU)
    assert not network.model.head._forward_pre_hooks


def test_the_activations_of_a_timm_network_are_its_pooled_features() -> None:
    member = small_member()
    torch.manual_seed(0)
    network = build(member, 3)
    network.model.eval()
    validation = coloured_validation_set(2)
    with torch.inference_mode():
        features = network.model.forward_features(prepare(validation.images, member, CPU))
        expected = network.model.forward_head(features, pre_logits=True).numpy()
    assert np.allclose(activate(member, network, validation.images, CPU), expected, atol=2e-3)


# A whole job.


def outputs_in(folder: Path) -> SimpleNamespace:
    names = {"predictions": "p.npy", "record": "p.json", "attributions": "a.npy", "activations": "f.npy"}
    return SimpleNamespace(**{key: str(folder / name) for key, name in names.items()})


def run(network: Network, validation: ValidationSet, outputs: SimpleNamespace) -> None:
    infer(small_member(), network, "clean", validation, settings(samples=3), 4, CPU, "f00d", outputs)


def test_a_job_writes_logits_maps_activations_and_a_record(tmp_path: Path) -> None:
    network, validation, outputs = tiny_network(), coloured_validation_set(7), outputs_in(tmp_path)
    run(network, validation, outputs)
    logits = np.load(outputs.predictions, allow_pickle=False)
    assert logits.dtype == np.float32
    assert np.allclose(logits, logits_of(network, validation, small_member()), atol=1e-5)
    assert np.load(outputs.attributions).shape == (3, 32, 32)
    assert np.load(outputs.activations).shape == (4, network.model.head.in_features)
    record = load_json(outputs.record)
    assert record["samples"] == digest_of_lines(validation.samples)
    assert record.items() >= {"sample_count": 7, "classes": 3, "weights": "f00d", "member": "first"}.items()


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    network, validation = tiny_network(), coloured_validation_set(7)
    first, second = outputs_in(tmp_path / "1"), outputs_in(tmp_path / "2")
    for outputs in (first, second):
        run(network, validation, outputs)
    for kind in ("predictions", "attributions", "activations"):
        assert Path(getattr(first, kind)).read_bytes() == Path(getattr(second, kind)).read_bytes()


def test_logits_and_activations_beyond_the_first_batch_are_those_of_their_images(tmp_path: Path) -> None:
    network, validation, outputs = tiny_network(), coloured_validation_set(BATCH + 3), outputs_in(tmp_path)
    run(network, validation, outputs)
    expected = logits_of(network, validation, small_member())
    assert np.allclose(np.load(outputs.predictions), expected, atol=1e-5)
    rest = activate(small_member(), network, validation.images[BATCH:], CPU)
    everything = activate(small_member(), network, validation.images, CPU)
    assert np.allclose(everything[BATCH:], rest, atol=2e-3)


def test_dropout_and_batch_norm_are_off(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(3600, 3))
    validation, outputs = coloured_validation_set(4), outputs_in(tmp_path)
    before = model[1].running_mean.clone()
    run(Network(model.train(), "4"), validation, outputs)
    assert torch.equal(model[1].running_mean, before)
    assert np.allclose(
        np.load(outputs.predictions), logits_of(Network(model.eval(), "4"), validation, small_member()), atol=1e-5
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_name_member_dataset_and_first_sample(bad: float) -> None:
    logits = np.zeros((5, 3), np.float32)
    logits[2, 1] = logits[4, 0] = bad
    with pytest.raises(StudyError) as caught:
        require_finite_logits(logits, "deit", "noise", list("abcde"))
    message = str(caught.value)
    assert "member deit on dataset noise are not finite for 2 of 5 samples; the first is c (row 2)" in message


def test_a_member_whose_weights_are_nan_leaves_no_predictions(tmp_path: Path) -> None:
    network, outputs = tiny_network(), outputs_in(tmp_path)
    nn.init.constant_(network.model.head.bias, float("nan"))
    with pytest.raises(StudyError, match=r"member first on dataset clean .* the first is validation/0 \(row 0\)"):
        run(network, coloured_validation_set(3), outputs)
    assert not list(tmp_path.iterdir())


# The device.


def test_the_device_is_the_wanted_one() -> None:
    assert choose_device("cpu", 1) == CPU
    assert device_name(CPU) == "CPU"
    assert choose_device("auto", 1).type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_wanted_cuda_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(StudyError, match="torch finds no CUDA device"):
        choose_device("cuda", 1)
