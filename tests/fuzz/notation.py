"""Notations of sub-networks: the architecture that comes out is the one that the lists mean by hand."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from scripts.lib.networks.resnet import full_widths
from scripts.lib.study.resolve import resolve
from scripts.lib.supernets.notation import architecture_of, checked, from_ofa
from tests.fuzz.cases import ACCEPTED, INTENTION, REFUSED, Case, Refusal, Target, attempt, intention_of
from tests.fuzz.tables import Draw
from tests.unit.supernets.test_notation import SPACE

LAYERS = [3, 4, 6, 3]
STAGES = list(enumerate(LAYERS, start=1))
BASE = full_widths({"name": "resnet", "block": "bottleneck", "layers": LAYERS, "stem": 64})
ODD: list[Any] = [None, True, -1, 99, 10**30, 0.5, float("nan"), float("inf"), "1", "", [], [1], {}]


@st.composite
def ofa_cases(draw: Draw) -> Case:
    """Once-for-all's lists, at times with an entry too many, too few or of another type."""
    depth = draw(st.lists(st.integers(0, 2), min_size=5, max_size=5))
    counts = sum((2, 2, 4, 2)) + sum(depth[1:])
    width = draw(st.lists(st.integers(0, 2), min_size=6, max_size=6))
    ratio = draw(st.sampled_from([[0.25], [0.2, 0.25], [0.25, 0.2, 0.15, 0.3]]))
    expansion = draw(st.lists(st.sampled_from(ratio), min_size=counts, max_size=counts))
    notation: dict[str, Any] = {"depth": depth, "width": width, "expansion": expansion}
    for _ in range(draw(st.integers(0, 2))):
        key = draw(st.sampled_from([*notation]))
        values = list(notation[key])
        change = draw(st.sampled_from(["repeat", "drop", "odd", "odd", "key"]))
        if change == "key":
            notation = {name: value for name, value in notation.items() if name != key} | draw(
                st.sampled_from([{}, {"d": [1]}])
            )
            break
        changed = {"repeat": values + values[-1:], "drop": values[:-1]}.get(change)
        at = draw(st.integers(0, max(0, len(values) - 1)))
        notation[key] = (
            changed if changed is not None else [*values[:at], draw(st.sampled_from(ODD)), *values[at + 1 :]]
        )
    return {INTENTION: json.dumps({"ofa": notation}).encode()}


@st.composite
def nncf_cases(draw: Draw) -> Case:
    """NNCF's own: blocks left out, and widths by group."""
    blocks = st.integers(-1, len(SPACE["blocks"]) + 1) | st.sampled_from(ODD)
    ends = draw(st.lists(st.sampled_from([[1], [2], [1, 2], [4, 5], [9], [11], [10, 11], [3]]), max_size=3))
    depth = draw(st.just([block for end in ends for block in end]) | st.lists(blocks, max_size=4))
    group = draw(
        st.lists(
            st.sampled_from([*(str(n) for n in range(len(SPACE["groups"]))), "99", "x", "00", "-1", ""]), max_size=4
        )
    )
    width = {name: draw(st.sampled_from([64, 48, 32, 200, 256, 1024, 1632, 0, *ODD])) for name in group}
    return {INTENTION: json.dumps({"nncf": {"depth": depth, "width": width}}).encode()}


def study_with(subnet: dict[str, Any]) -> dict[str, Any]:
    """A study of which the last member is this sub-network."""
    elasticity = {"available_elasticity_dims": ["depth", "width"]}
    schedule = {"list_stage_descriptions": [{"train_dims": ["depth"], "epochs": 1}]}
    training = {"algorithm": "progressive_shrinking", "schedule": schedule, "elasticity": elasticity}
    supernet = {"id": "s", "base": {"torchvision": "X"}, "batch_size": 8, "bootstrapNAS": {"training": training}}
    members = [{"id": name, "kind": "subnet", "supernet": "s", "subnet": subnet} for name in ("a", "b")]
    datasets = {"kind": "digits", "validation": [{"id": "clean"}]}
    return {"name": "fuzz", "datasets": datasets, "supernets": [supernet], "members": members}


def check(folder: Path) -> str:
    """The architecture of the sub-network is that which the lists mean."""
    meant = intention_of(folder)
    result = attempt(lambda: _architecture(meant))
    if isinstance(result, Refusal):
        return REFUSED
    architecture, kept, remarks = result
    expected = by_hand(_repaired(meant["ofa"], remarks)) if "ofa" in meant else by_hand_nncf(meant["nncf"])
    assert {key: architecture[key] for key in expected} == expected
    assert kept == [list(range(count)) for count in expected["layers"]]
    return ACCEPTED


def _architecture(meant: dict[str, Any]) -> tuple[dict[str, Any], list[list[int]], list[str]]:
    """What the workflow does: the study, then the notation."""
    subnet, remarks = resolve(study_with(meant))["members"][-1]["subnet"], []
    if "ofa" in subnet:
        config, remarks = from_ofa(subnet["ofa"], SPACE, LAYERS)
    else:
        config = subnet["nncf"]
    return *architecture_of(checked(config, SPACE), SPACE, BASE), remarks


def _repaired(ofa: dict[str, Any], remarks: list[str]) -> dict[str, Any]:
    """The lists with the lengths that they should have; a repair must be in the remarks."""
    needed = {"depth": 5, "width": 6}
    needed["expansion"] = sum((2, 2, 4, 2)) + sum(ofa["depth"][1:5])
    repaired = {}
    for key, length in needed.items():
        values = list(ofa[key])
        if len(values) != length:
            assert any(remark.startswith(key) for remark in remarks)
            assert len(set(values[length - 1 :] or values[-2:])) == 1
        repaired[key] = [*values, values[-1]][:length]
        assert len(repaired[key]) == length
    return repaired


def by_hand(ofa: dict[str, Any]) -> dict[str, Any]:
    """Table ii of the paper: indexes into three widths each; expansions of the full width, in multiples of 8."""
    layers = [base + more for base, more in zip((2, 2, 4, 2), ofa["depth"][1:], strict=True)]
    three = {full: sorted(_choices(full)) for full in (64, 256, 512, 1024, 2048)}
    widths = [three[full][index] for full, index in zip((64, 256, 512, 1024, 2048), ofa["width"][1:], strict=True)]
    ratios = iter(ofa["expansion"])
    middle = [
        [[int(round(next(ratios) * (256 << stage), 6)) // 8 * 8] * 2 for _ in range(layers[stage])]
        for stage in range(4)
    ]
    return {"layers": layers, "stem": widths[0], "widths": widths[1:], "mid_widths": middle}


def _choices(full: int) -> list[int]:
    return next(group["widths"] for group in SPACE["groups"] if max(group["widths"]) == full)


def by_hand_nncf(nncf: dict[str, Any]) -> dict[str, Any]:
    """Groups 0 to 3 are the stages' outputs, 4 the stem, then two for each bottleneck."""
    left_out = {SPACE["blocks"][block] for block in nncf.get("depth", [])}
    widths = {
        group: nncf.get("width", {}).get(str(group), max(entry["widths"]))
        for group, entry in enumerate(SPACE["groups"])
    }
    place = {layer: group for group, entry in enumerate(SPACE["groups"]) for layer in entry["layers"]}
    kept = [[block for block in range(count) if f"layer{stage}.{block}" not in left_out] for stage, count in STAGES]
    middle = [
        [[widths[place[f"layer{stage}.{block}.conv{number}"]] for number in (1, 2)] for block in blocks]
        for (stage, _), blocks in zip(STAGES, kept, strict=True)
    ]
    return {
        "layers": [len(stage) for stage in middle],
        "stem": widths[4],
        "widths": [widths[n] for n in range(4)],
        "mid_widths": middle,
    }


TARGETS = [Target("notation", st.one_of(ofa_cases(), nncf_cases()), check)]
