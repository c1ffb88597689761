"""ResNet (He et al. 2016) and ResNeXt (Xie et al. 2017), with widths as parameters.

With them, a sub-network of a super-network is an ordinary network. Names, initial weights and results are those of
torchvision's ResNet and timm's ResNeXt, bit for bit.
"""

from typing import Any

import torch
from torch import nn

from scripts.lib.jobs.errors import StudyError

PLANES = (64, 128, 256, 512)
# How many convolutions of a block have separate widths; the last convolution has the width of the stage.
MIDDLE = {"bottleneck": 2, "basic": 1}


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution without bias whose output has the size of its input, divided by the stride."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)


def projection(inputs: int, outputs: int, stride: int) -> nn.Module | None:
    """What brings a shortcut to the shape of a block's output; None if it has that shape."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut, float [B, C, H, W] → [B, D, H / stride, W / stride]."""

    expansion = 1

    def __init__(self, inputs: int, planes: int, stride: int, groups: int, group_width: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = convolution(inputs, planes, 3, stride), nn.BatchNorm2d(planes)
        self.relu = nn.ReLU()
        self.conv2, self.bn2 = convolution(planes, planes, 3), nn.BatchNorm2d(planes)
        self.downsample = projection(inputs, planes, stride)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The output of the block."""
        output = self.relu(self.bn1(self.conv1(input)))
        output = self.bn2(self.conv2(output))
        output += input if self.downsample is None else self.downsample(input)
        return self.relu(output)


class Bottleneck(nn.Module):
    """Three convolutions, the second with groups, and a shortcut; shapes as in `BasicBlock`."""

    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int, groups: int, group_width: int) -> None:
        super().__init__()
        width, outputs = planes * group_width // 64 * groups, planes * self.expansion
        self.conv1, self.bn1 = convolution(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = convolution(width, width, 3, stride, groups), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = convolution(width, outputs, 1), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample = projection(inputs, outputs, stride)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The output of the block."""
        output = self.relu(self.bn1(self.conv1(input)))
        output = self.relu(self.bn2(self.conv2(output)))
        output = self.bn3(self.conv3(output))
        output += input if self.downsample is None else self.downsample(input)
        return self.relu(output)


BLOCKS: dict[str, type[BasicBlock | Bottleneck]] = {"bottleneck": Bottleneck, "basic": BasicBlock}


class ResNet(nn.Module):
    """Four stages of blocks, float [B, 3, H, W] → logits [B, classes]; `layers` has the number of blocks of each."""

    layer1: nn.Module
    layer2: nn.Module
    layer3: nn.Module
    layer4: nn.Module

    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        layers: list[int],
        classes: int,
        groups: int = 1,
        group_width: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.conv1, self.bn1, self.relu = convolution(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for number, (planes, count) in enumerate(zip(PLANES, layers, strict=True), start=1):
            strides = [1 if number == 1 else 2] + [1] * (count - 1)
            blocks = []
            for stride in strides:
                blocks.append(block(inputs, planes, stride, groups, group_width))
                inputs = planes * block.expansion
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.avgpool, self.dropout = nn.AdaptiveAvgPool2d(1), nn.Dropout(dropout)
        self.fc = nn.Linear(inputs, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Logits."""
        output = self.maxpool(self.relu(self.bn1(self.conv1(input))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            output = stage(output)
        return self.fc(self.dropout(self.avgpool(output).flatten(1)))


def resnext(parameters: dict[str, Any], classes: int) -> nn.Module:
    """Blocks with `cardinality` groups; each begins as its shortcut alone, as in timm."""
    groups, width = parameters["cardinality"], parameters["block_width"]
    model = ResNet(Bottleneck, parameters["layers"], classes, groups, width, parameters["dropout"])
    for module in model.modules():
        if isinstance(module, Bottleneck):
            nn.init.zeros_(module.bn3.weight)
    return model


def full_widths(parameters: dict[str, Any]) -> dict[str, Any]:
    """`parameters` of a `resnet`, completed with the widths of the complete network."""
    block = parameters["block"]
    widths = [planes * BLOCKS[block].expansion for planes in PLANES]
    middle = [[[planes] * MIDDLE[block]] * count for planes, count in zip(PLANES, parameters["layers"], strict=True)]
    given = {key: value for key, value in parameters.items() if value is not None}
    return {"widths": widths, "mid_widths": middle} | given


def resnet(parameters: dict[str, Any], classes: int) -> nn.Module:
    """The complete network, with convolutions and batch norms replaced if the study gives other widths.

    Raises StudyError if the lists of widths do not fit the number of blocks.
    """
    complete = full_widths(parameters)
    block, layers = complete["block"], complete["layers"]
    if [len(stage) for stage in complete["mid_widths"]] != layers or {
        len(widths) for stage in complete["mid_widths"] for widths in stage
    } != {MIDDLE[block]}:
        raise StudyError(
            f"architecture/mid_widths: must have {MIDDLE[block]} widths for each of the {layers} blocks of the stages."
        )
    model = ResNet(BLOCKS[block], layers, classes)
    inputs = _narrow(model, "conv1", "bn1", 3, complete["stem"])
    for number, (width, blocks) in enumerate(zip(complete["widths"], complete["mid_widths"], strict=True), start=1):
        for position, middle in enumerate(blocks):
            inputs = _narrow_block(model, f"layer{number}.{position}", inputs, [*middle, width])
    if inputs != model.fc.in_features:
        model.fc = nn.Linear(inputs, classes)
    return model


def _narrow_block(model: nn.Module, name: str, inputs: int, widths: list[int]) -> int:
    """Set the widths of a block's convolutions; returns the width of its output."""
    downsample = model.get_submodule(name).downsample
    if downsample is None and inputs != widths[-1]:
        # In the complete network this shortcut needs no convolution; with other widths, as of the stem, it would.
        raise StudyError(f"architecture: {name} adds its input of width {inputs} to an output of width {widths[-1]}.")
    if downsample is not None:
        _narrow(model, f"{name}.downsample.0", f"{name}.downsample.1", inputs, widths[-1])
    for number, width in enumerate(widths, start=1):
        inputs = _narrow(model, f"{name}.conv{number}", f"{name}.bn{number}", inputs, width)
    return inputs


def _narrow(model: nn.Module, convolution: str, norm: str, inputs: int, outputs: int) -> int:
    """Replace a convolution and its batch norm if their widths differ; returns the width of the output."""
    old: Any = model.get_submodule(convolution)
    if (old.in_channels, old.out_channels) != (inputs, outputs):
        new = nn.Conv2d(inputs, outputs, old.kernel_size, old.stride, old.padding, bias=False)
        nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
        model.set_submodule(convolution, new)
        model.set_submodule(norm, nn.BatchNorm2d(outputs))
    return outputs
