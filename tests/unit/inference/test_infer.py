"""Logits, activations and whole jobs against computations by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scripts.lib.datasets.image_set import ArrayImages
from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.inference.infer import InferenceSettings, TrainedMember, infer, predict
from scripts.lib.inference.logits import BATCH
from scripts.lib.inference.predictions import require_finite_logits
from scripts.lib.jobs.device import choose_device, device_name
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import digest_of_lines, load_json
from scripts.lib.networks.architectures import Network, build
from scripts.lib.networks.preprocessing import prepare
from scripts.lib.networks.vision import torchvision
from tests.unit.conftest import coloured_validation_set, small_member
from tests.unit.inference.tiny_networks import CPU, logits_of, settings, tiny_network

# Captum says each time that it sets hooks and takes them away again.
pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")

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
    member = small_member(architecture={"name": "timm", "model": "resnet10t"})
    torch.manual_seed(0)
    network = build(member, 3)
    network.model.eval()
    validation = coloured_validation_set(2)
    with torch.inference_mode():
        features = network.model.forward_features(prepare(validation.images, member, CPU))
        expected = network.model.forward_head(features, pre_logits=True).numpy()
    assert np.allclose(activate(member, network, validation.images, CPU), expected, atol=2e-3)


# A whole job.


def run(network: Network, validation: ValidationSet, folder: Path) -> None:
    member, recorded = TrainedMember(small_member(), network, "f00d"), InferenceSettings(settings(samples=3), 4)
    infer(member, "clean", validation, recorded, CPU, folder)


def test_a_job_writes_logits_maps_activations_and_a_record(tmp_path: Path) -> None:
    network, validation = tiny_network(), coloured_validation_set(7)
    run(network, validation, tmp_path)
    logits = np.load(tmp_path / "predictions.npy", allow_pickle=False)
    assert logits.dtype == np.float32
    assert np.allclose(logits, logits_of(network, validation, small_member()), atol=1e-5)
    assert np.load(tmp_path / "attributions.npy").shape == (3, 32, 32)
    assert np.load(tmp_path / "activations.npy").shape == (4, network.model.head.in_features)
    record = load_json(tmp_path / "predictions.json")
    assert record["samples"] == digest_of_lines(validation.samples)
    assert record.items() >= {"sample_count": 7, "classes": 3, "weights": "f00d", "member": "first"}.items()


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    network, validation = tiny_network(), coloured_validation_set(7)
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        run(network, validation, folder)
    for kind in ("predictions", "attributions", "activations"):
        assert (first / f"{kind}.npy").read_bytes() == (second / f"{kind}.npy").read_bytes()


def test_logits_and_activations_beyond_the_first_batch_are_those_of_their_images(tmp_path: Path) -> None:
    network, validation = tiny_network(), coloured_validation_set(BATCH + 3)
    run(network, validation, tmp_path)
    expected = logits_of(network, validation, small_member())
    assert np.allclose(np.load(tmp_path / "predictions.npy"), expected, atol=1e-5)
    rest = activate(small_member(), network, validation.images[BATCH:], CPU)
    everything = activate(small_member(), network, validation.images, CPU)
    assert np.allclose(everything[BATCH:], rest, atol=2e-3)


def test_dropout_and_batch_norm_are_off(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(3600, 3))
    validation, before = coloured_validation_set(4), model[1].running_mean.clone()
    run(Network(model.train(), "4"), validation, tmp_path)
    assert torch.equal(model[1].running_mean, before)
    expected = logits_of(Network(model.eval(), "4"), validation, small_member())
    assert np.allclose(np.load(tmp_path / "predictions.npy"), expected, atol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_name_member_dataset_and_first_sample(bad: float) -> None:
    logits = np.zeros((5, 3), np.float32)
    logits[2, 1] = logits[4, 0] = bad
    with pytest.raises(StudyError) as caught:
        require_finite_logits(logits, "deit", "noise", list("abcde"))
    message = str(caught.value)
    assert "member deit on dataset noise are not finite for 2 of 5 samples; the first is c (row 2)" in message


def test_a_member_whose_weights_are_nan_leaves_no_predictions(tmp_path: Path) -> None:
    network = tiny_network()
    nn.init.constant_(network.model.head.bias, float("nan"))
    with pytest.raises(StudyError, match=r"member first on dataset clean .* the first is validation/0 \(row 0\)"):
        run(network, coloured_validation_set(3), tmp_path)
    assert not list(tmp_path.iterdir())


# The device.


def test_the_device_is_the_wanted_one() -> None:
    assert choose_device("cpu", 1) == CPU
    assert device_name(CPU) == "CPU"
    assert choose_device("auto", 1).type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="the message is for machines without a CUDA device")
def test_a_wanted_cuda_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(StudyError, match="torch finds no CUDA device"):
        choose_device("cuda", 1)
