"""torchvision's ResNet with any widths."""

import pytest
import torch

from scripts.lib.jobs.errors import StudyError
from scripts.lib.networks.cost import count_macs, count_parameters
from scripts.lib.networks.resnet import full_widths, resnet
from scripts.lib.networks.vision import torchvision

RESNET50 = {"name": "resnet", "block": "bottleneck", "layers": [3, 4, 6, 3], "stem": 64}


def test_with_full_widths_it_is_torchvisions_network() -> None:
    torch.manual_seed(0)
    ours = resnet(RESNET50, 10)
    torch.manual_seed(0)
    theirs = torchvision.models.resnet50(num_classes=10)
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))
    assert ours.state_dict().keys() == theirs.state_dict().keys()


def test_narrow_convolutions_are_really_smaller() -> None:
    widths = {"layers": [1, 1, 2, 1], "stem": 32, "widths": [152, 304, 608, 1224]}
    middle = [[[32, 48]], [[72, 128]], [[152, 256], [200, 200]], [[304, 512]]]
    model = resnet(RESNET50 | widths | {"mid_widths": middle}, 10)
    assert model.layer3[1].conv2.weight.shape == (200, 200, 3, 3)
    assert model.layer1[0].downsample[0].weight.shape == (152, 32, 1, 1)
    assert model.fc.in_features == 1224
    # By hand: the weights of all convolutions, two numbers for each batch norm channel, and the classifier.
    weights, channels, stream = 3 * 32 * 49, 32, 32
    for stage, width in enumerate(widths["widths"]):
        for block, (first, second) in enumerate(middle[stage]):
            weights += stream * first + first * second * 9 + second * width
            channels += first + second + width
            if block == 0:
                weights, channels = weights + stream * width, channels + width
            stream = width
    assert count_parameters(model) == weights + 2 * channels + 1224 * 10 + 10
    assert count_macs(model, 32) < count_macs(resnet(RESNET50, 10), 32)


@pytest.mark.parametrize("name", ["resnet18", "resnet34"])
def test_basic_blocks(name: str) -> None:
    layers = {"resnet18": [2, 2, 2, 2], "resnet34": [3, 4, 6, 3]}[name]
    ours = resnet({"name": "resnet", "block": "basic", "layers": layers, "stem": 64}, 10)
    theirs = getattr(torchvision.models, name)(num_classes=10)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.state_dict().items()}


@pytest.mark.parametrize("middle", [[[[64, 64]]] * 4, [[[64]] * count for count in (3, 4, 6, 3)]])
def test_widths_that_do_not_fit_the_blocks_are_refused(middle: list[list[list[int]]]) -> None:
    with pytest.raises(StudyError) as error:
        resnet(RESNET50 | {"mid_widths": middle}, 10)
    assert "mid_widths" in str(error.value)


def test_a_stem_that_does_not_fit_a_shortcut_without_convolution_is_refused() -> None:
    with pytest.raises(StudyError) as error:
        resnet({"name": "resnet", "block": "basic", "layers": [2, 2, 2, 2], "stem": 32}, 10)
    assert "layer1.0" in str(error.value)


def test_full_widths_are_torchvisions() -> None:
    assert full_widths(RESNET50 | {"widths": None, "mid_widths": None})["widths"] == [256, 512, 1024, 2048]
