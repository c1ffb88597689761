"""Once-for-all's notation in NNCF's terms: every row of the paper's Tables i and ii."""

from typing import Any

import pytest
import yaml

from scripts.lib.jobs.errors import StudyError
from scripts.lib.networks.resnet import full_widths
from scripts.lib.study.resolve import ROOT
from scripts.lib.supernets.notation import architecture_of, checked, from_ofa

LAYERS = [3, 4, 6, 3]
RECIPES = yaml.safe_load((ROOT / "config" / "recipes.yaml").read_text(encoding="utf-8"))
BASE = full_widths({"name": "resnet", "block": "bottleneck", "layers": LAYERS, "stem": 64})
# Seen in NNCF 2.19 with Listing 1: three widths for each of 64, 128, …, rounded down to a multiple of 8, at least 32.
CHOICES = {
    64: [64, 48, 32],
    128: [128, 96, 72],
    256: [256, 200, 152],
    512: [512, 408, 304],
    1024: [1024, 816, 608],
    2048: [2048, 1632, 1224],
}
NARROW = 48, 96, 200, 408  # ×0.8 of the width inside the bottlenecks of each stage


def space_of_resnet50() -> dict[str, Any]:
    streams = [
        [f"layer{stage}.{block}.conv3" for block in range(count)] + [f"layer{stage}.0.downsample.0"]
        for stage, count in enumerate(LAYERS, start=1)
    ]
    groups = [{"layers": layers, "widths": CHOICES[256 << stage]} for stage, layers in enumerate(streams)]
    groups.append({"layers": ["conv1"], "widths": CHOICES[64]})
    groups += [
        {"layers": [f"layer{stage}.{block}.conv{number}"], "widths": CHOICES[32 << stage]}
        for stage, count in enumerate(LAYERS, start=1)
        for block in range(count)
        for number in (1, 2)
    ]
    blocks = [f"layer{stage}.{block}" for stage, count in enumerate(LAYERS, start=1) for block in range(1, count)]
    return {"groups": groups, "blocks": blocks, "depth_indicator": 2}


SPACE = space_of_resnet50()
STAGES_0002 = [152, 512, 1024, 2048]
# Recipe: skip list, layers, stem, widths of the stages, bottlenecks (counted from 0) with expansion 0.2, repaired list.
ROWS = {
    "bootstrapNAS-B_0": ([1, 3, 4, 8, 9], [2, 2, 4, 3], 32, STAGES_0002, [0, 1, 2, 4], None),
    "bootstrapNAS-B_1": ([1, 3, 4, 8, 9], [2, 2, 4, 3], 32, STAGES_0002, [1], None),
    "nB_1": ([1, 3, 4, 8, 9], [2, 2, 4, 3], 32, STAGES_0002, [1, 4], None),
    "nB_2": ([1, 3, 4, 8, 9], [2, 2, 4, 3], 32, STAGES_0002, [1, 3, 4], None),
    "nB_3": ([1, 3, 4, 8, 9], [2, 2, 4, 3], 32, STAGES_0002, [1, 4, 5], None),
    "dB_1a": ([1, 4, 8, 9, 11], [2, 3, 4, 2], 32, STAGES_0002, [1, 4], None),
    "dB_1b": ([1, 3, 4, 8, 9, 11], [2, 2, 4, 2], 32, STAGES_0002, [1, 4], "expansion"),
    "wB_1a": ([1, 3, 4, 8, 9], [2, 2, 4, 3], 32, [200, 408, 1024, 2048], [1, 4], "expansion"),
    "wB_1b": ([1, 3, 4, 8, 9], [2, 2, 4, 3], 48, [200, 408, 816, 2048], [1, 4], "expansion"),
    "wB_1c": ([1, 3, 4, 8, 9], [2, 2, 4, 3], 48, [200, 408, 816, 1632], [1, 4], "width"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_the_paper(name: str) -> None:
    skipped, layers, stem, widths, narrow, repaired = ROWS[name]
    config, remarks = from_ofa(RECIPES[name]["subnet"]["ofa"], SPACE, LAYERS)
    architecture, kept = architecture_of(config, SPACE, BASE)
    assert config["depth"] == skipped
    assert kept == [list(range(count)) for count in layers]
    assert (architecture["layers"], architecture["stem"], architecture["widths"]) == (layers, stem, widths)
    stage_of = [stage for stage, count in enumerate(layers) for _ in range(count)]
    middle = [widths for stage in architecture["mid_widths"] for widths in stage]
    for block, stage in enumerate(stage_of):
        wanted = NARROW[stage] if block in narrow else 64 << stage
        assert middle[block] == [wanted, wanted], block
    assert [remark.split()[0] for remark in remarks if "are needed" in remark] == ([repaired] if repaired else [])
    assert any("stem" in remark for remark in remarks)


def test_all_rows_of_the_tables_are_tested() -> None:
    assert {name for name, recipe in RECIPES.items() if recipe.get("kind") == "subnet"} == ROWS.keys()


def test_a_width_that_once_for_all_has_and_the_supernet_has_not_is_remarked() -> None:
    _, remarks = from_ofa(RECIPES["bootstrapNAS-B_0"]["subnet"]["ofa"], SPACE, LAYERS)
    assert sum("×0.65" in remark and "×0.6." in remark for remark in remarks) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"depth": [0, 2, 0, 0, 0]}, "depth 2 means 4 bottlenecks in stage 1, which has 3"),
        ({"depth": [0, 0, 0, 0]}, "depth has 4 entries where 5 are needed"),
        ({"width": [0, 0, 0, 2, 2, 3]}, "width index 3 of layer4.0.conv3"),
        ({"width": [0, 0, 2]}, "width has 3 entries where 6 are needed"),
        ({"expansion": [0.35] * 11}, "expansion 0.35 means 89.6 filters in layer1.0.conv1"),
        ({"expansion": [0.1] * 11}, "whose widths are [32, 48, 64]"),
        ({"expansion": [0.25] * 11 + [0.2]}, "expansion has 12 entries where 11 are needed"),
        ({"expansion": []}, "expansion has 0 entries"),
    ],
)
def test_what_the_supernet_does_not_have_is_refused(change: dict[str, Any], reason: str) -> None:
    notation = RECIPES["bootstrapNAS-B_0"]["subnet"]["ofa"] | change
    with pytest.raises(StudyError) as error:
        from_ofa(notation, SPACE, LAYERS)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"depth": [12], "width": {}}, "block 12 does not exist"),
        ({"depth": [0], "width": {}}, "layer1.1 is left out"),
        ({"depth": [7, 8, 9], "width": {}}, "layer3.3 is left out"),
        ({"depth": [], "width": {"37": 64}}, "width group 37 does not exist"),
        ({"depth": [], "width": {"0": 100}}, "width 100 in group 0, whose widths are [152, 200, 256]"),
    ],
)
def test_an_impossible_configuration_is_refused(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(StudyError) as error:
        checked(config, SPACE)
    assert reason in str(error.value)


def test_a_stage_keeps_at_least_one_block() -> None:
    space = {"groups": [], "blocks": ["layer1.0", "layer1.1"], "depth_indicator": 2}
    base = full_widths({"name": "resnet", "block": "basic", "layers": [2, 2, 2, 2], "stem": 64})
    with pytest.raises(StudyError) as error:
        architecture_of(checked({"depth": [0, 1], "width": {}}, space), space, base)
    assert "stage 1 has no block left" in str(error.value)
