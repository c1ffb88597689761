"""torchvision's ResNet with widths as parameters, so that a sub-network of a super-network is an ordinary network."""

from typing import Any

from torch import nn

from scripts.lib.jobs.errors import StudyError
from scripts.lib.networks.vision import torchvision

BLOCKS: dict[str, Any] = {
    "bottleneck": torchvision.models.resnet.Bottleneck,
    "basic": torchvision.models.resnet.BasicBlock,
}
PLANES = (64, 128, 256, 512)
# How many convolutions of a block have separate widths; the last convolution has the width of the stage.
MIDDLE = {"bottleneck": 2, "basic": 1}


def full_widths(parameters: dict[str, Any]) -> dict[str, Any]:
    """`parameters` of a `resnet`, completed with torchvision's own widths."""
    block = parameters["block"]
    widths = [planes * BLOCKS[block].expansion for planes in PLANES]
    middle = [[[planes] * MIDDLE[block]] * count for planes, count in zip(PLANES, parameters["layers"], strict=True)]
    given = {key: value for key, value in parameters.items() if value is not None}
    return {"widths": widths, "mid_widths": middle} | given


def resnet(parameters: dict[str, Any], classes: int) -> nn.Module:
    """torchvision's network, with convolutions and batch norms replaced if the study gives other widths.

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
    model = torchvision.models.resnet.ResNet(BLOCKS[block], layers, classes)
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
        # With torchvision's widths this shortcut needs no convolution; with other widths, as of the stem, it would.
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
