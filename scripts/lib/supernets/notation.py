"""Notations for sub-networks of a super-network: that of Once-for-all (paper, Table ii) and that of NNCF.

Pure functions of data; NNCF is not needed. A super-network's `space` says what it can be cut to: `groups`, a list of
{"layers": names of convolutions that share a width, "widths": choices, largest first}; `blocks`, the names of the
blocks that can be left out, in NNCF's order; `depth_indicator`, how many blocks at the end of a stage may be left out.
A configuration is NNCF's: {"depth": indexes into `blocks`, "width": {index into `groups` as text: width}}.
"""

from collections.abc import Sequence
from typing import Any

from scripts.lib.jobs.errors import StudyError

Space = dict[str, Any]
Config = dict[str, Any]

# Bottlenecks of each stage where the depth is 0, and the width multipliers (sorted), in Once-for-all's ResNet-50.
BASE_DEPTH = (2, 2, 4, 2)
MULTIPLIERS = (0.65, 0.8, 1.0)
NO_STEM = (
    "depth[0] = {} and width[0] = {} describe the extra convolution of Once-for-all's stem. torchvision's ResNet has "
    "none, so both have no counterpart and are left out."
)


def from_ofa(notation: dict[str, list[Any]], space: Space, layers: Sequence[int]) -> tuple[Config, list[str]]:
    """NNCF's configuration for `depth` (5 entries), `width` (6) and `expansion` (one for each active bottleneck).

    Width index i takes the i-th smallest width of the super-network; expansion e takes e times the stage's full width
    for both convolutions in the middle of the bottleneck, rounded down to a multiple of 8 as NNCF does. Returns the
    configuration, and remarks on what has no counterpart and what was repaired. Raises StudyError for anything that
    the super-network (with `layers` bottlenecks in its stages) does not have.
    """
    remarks: list[str] = []
    depth = _of_length("depth", notation["depth"], 5, remarks)
    width = _of_length("width", notation["width"], 6, remarks)
    counts = [base + extra for base, extra in zip(BASE_DEPTH, depth[1:], strict=True)]
    for stage, (count, most) in enumerate(zip(counts, layers, strict=True), start=1):
        if not 1 <= count <= most:
            raise _refused(f"depth {depth[stage]} means {count} bottlenecks in stage {stage}, which has {most}")
    expansion = _of_length("expansion", notation["expansion"], sum(counts), remarks)
    remarks.append(NO_STEM.format(depth[0], width[0]))
    widths = {group: max(choices["widths"]) for group, choices in enumerate(space["groups"])}
    for index, layer in zip(width[1:], ["conv1", *(f"layer{stage}.0.conv3" for stage in (1, 2, 3, 4))], strict=True):
        group = _group_of(layer, space)
        widths[group] = _indexed(index, layer, space["groups"][group]["widths"], remarks)
    expansions = iter(expansion)
    for stage, count in enumerate(counts, start=1):
        full = max(space["groups"][_group_of(f"layer{stage}.0.conv3", space)]["widths"])
        for block in range(count):
            ratio = next(expansions)
            for layer in (f"layer{stage}.{block}.conv1", f"layer{stage}.{block}.conv2"):
                group = _group_of(layer, space)
                widths[group] = _expanded(ratio, full, layer, space["groups"][group]["widths"])
    left_out = [
        f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in range(counts[stage - 1], layers[stage - 1])
    ]
    config = {"depth": [_block(name, space) for name in left_out], "width": {str(k): w for k, w in widths.items()}}
    return checked(config, space), remarks


def _refused(reason: str) -> StudyError:
    return StudyError(f"subnet: {reason}; the super-network cannot be cut to that.")


def _of_length(key: str, values: list[Any], length: int, remarks: list[str]) -> list[Any]:
    """`values` with the length that the notation needs, if the last one is a repeat that can be dropped or added."""
    if len(values) == length:
        return values
    trailing = values[length - 1 :] if len(values) > length else values[-2:]
    if not values or len(values) < length - 1 or len(set(trailing)) > 1 or key == "depth":
        raise _refused(f"{key} has {len(values)} entries where {length} are needed")
    what = "dropped from the end, where the last is repeated" if len(values) > length else "added by repeating the last"
    count = abs(len(values) - length)
    remarks.append(f"{key} has {len(values)} entries where {length} are needed: {count} {what}.")
    return values[:length] if len(values) > length else [*values, values[-1]]


def _group_of(layer: str, space: Space) -> int:
    for group, choices in enumerate(space["groups"]):
        if layer in choices["layers"]:
            return group
    raise _refused(f"{layer} has no elastic width")


def _block(name: str, space: Space) -> int:
    if name not in space["blocks"]:
        raise _refused(f"{name} cannot be left out")
    return space["blocks"].index(name)


def _indexed(index: int, layer: str, choices: Sequence[int], remarks: list[str]) -> int:
    ordered = sorted(choices)
    if not 0 <= index < len(ordered) or len(ordered) != len(MULTIPLIERS):
        raise _refused(f"width index {index} of {layer}, whose widths are {ordered}")
    multiplier = ordered[index] / ordered[-1]
    remark = (
        f"Width index {index} is ×{MULTIPLIERS[index]} in Once-for-all; the super-network's nearest choice by its "
        f"place in the list is about ×{multiplier:.1f}."
    )
    if abs(multiplier - MULTIPLIERS[index]) > 0.04 and remark not in remarks:
        remarks.append(remark)
    return ordered[index]


def _expanded(ratio: float, full: int, layer: str, choices: Sequence[int]) -> int:
    """`ratio` × the stage's full width, rounded down to a multiple of 8, if it is among the choices."""
    exact = round(ratio * full, 6)
    filters = int(exact) - int(exact) % 8
    if filters not in choices:
        raise _refused(f"expansion {ratio} means {exact:g} filters in {layer}, whose widths are {sorted(choices)}")
    return filters


def checked(config: Config, space: Space) -> Config:
    """The configuration with all groups filled in. Raises StudyError for anything that the super-network lacks."""
    blocks, groups = space["blocks"], space["groups"]
    for index in config["depth"]:
        if not 0 <= index < len(blocks):
            raise _refused(f"block {index} does not exist (there are {len(blocks)}, counted from 0)")
    left_out = {blocks[index] for index in config["depth"]}
    for name in left_out:
        stage, position = name.split(".")
        last = max(int(block.split(".")[1]) for block in blocks if block.startswith(f"{stage}."))
        after = {f"{stage}.{block}" for block in range(int(position) + 1, last + 1)}
        if not after <= left_out or len(after) >= space["depth_indicator"]:
            raise _refused(
                f"{name} is left out: only up to {space['depth_indicator']} blocks at the end of a stage can be"
            )
    widths = {str(group): max(choices["widths"]) for group, choices in enumerate(groups)}
    if unknown := sorted(config["width"].keys() - widths.keys()):
        raise _refused(f"width group {unknown[0]} does not exist (there are {len(groups)}, counted from 0)")
    for group, width in config["width"].items():
        if width not in groups[int(group)]["widths"]:
            raise _refused(f"width {width} in group {group}, whose widths are {sorted(groups[int(group)]['widths'])}")
    return {"depth": sorted(config["depth"]), "width": widths | config["width"]}


def architecture_of(config: Config, space: Space, base: dict[str, Any]) -> tuple[dict[str, Any], list[list[int]]]:
    """The ordinary `resnet` of a checked configuration, and which blocks it keeps in each stage."""
    width = {
        layer: config["width"][str(group)]
        for group, choices in enumerate(space["groups"])
        for layer in choices["layers"]
    }
    left_out = {space["blocks"][index] for index in config["depth"]}
    stages = [
        [block for block in range(count) if f"layer{stage}.{block}" not in left_out]
        for stage, count in enumerate(base["layers"], start=1)
    ]
    if empty := [stage for stage, blocks in enumerate(stages, start=1) if not blocks]:
        raise _refused(f"stage {empty[0]} has no block left")
    middle = 2 if base["block"] == "bottleneck" else 1
    names = [[f"layer{stage}.{block}" for block in blocks] for stage, blocks in enumerate(stages, start=1)]
    architecture = base | {
        "layers": [len(blocks) for blocks in stages],
        "stem": width.get("conv1", base["stem"]),
        "widths": [
            width.get(f"{blocks[0]}.conv{middle + 1}", full) for blocks, full in zip(names, base["widths"], strict=True)
        ],
        "mid_widths": [
            [
                [width.get(f"{name}.conv{number + 1}", full[number]) for number in range(middle)]
                for name, full in zip(blocks, base["mid_widths"][stage], strict=False)
            ]
            for stage, blocks in enumerate(names)
        ],
    }
    return architecture, stages
