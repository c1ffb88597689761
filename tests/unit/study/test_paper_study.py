"""config/paper.yaml against the supplement's Tables i and iii and Figure A, transcribed here by hand."""

from typing import Any

import pytest
import yaml

from scripts.lib.study.resolve import ROOT, resolve

STUDY = resolve(yaml.safe_load((ROOT / "config" / "paper.yaml").read_text(encoding="utf-8")))
MEMBERS = {member["id"]: member for member in STUDY["members"]}
BACKBONES = {backbone["id"]: backbone for backbone in STUDY["backbones"]}

SGD = {"name": "SGD", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0001}
SQUEEZE = {"name": "SGD", "lr": 0.01, "momentum": 0.9, "weight_decay": 0.0002}
RMSPROP = {"name": "RMSprop", "lr": 0.256, "alpha": 0.9, "momentum": 0.9}
ADAMW = {"name": "AdamW", "lr": 0.0005}
STEP30 = {"name": "step", "gamma": 0.1, "every_epochs": 30}
STEP2 = {"name": "step", "gamma": 0.97, "every_epochs": 2.4}
COSINE = {"name": "cosine"}


def resnext(layers: list[int], cardinality: int, block_width: int) -> dict[str, Any]:
    return {
        "name": "resnext", "layers": layers, "cardinality": cardinality, "block_width": block_width, "dropout": 0.2,
    }  # fmt: skip


MNASNET = {"name": "mnasnet", "depth_multiplier": 1, "dropout": 0.2}
SQUEEZENET = {"name": "squeezenet", "version": "1.1"}
DEIT = {"name": "deit", "patch_size": 16, "embedding": 192, "heads": 3}

# Table i: architecture, optimizer, schedule, epochs, batch; Figure A: top-1.
SUPERVISED = {
    "ResNext50_32_2": (resnext([3, 4, 6, 3], 32, 2), SGD, STEP30, 100, 32, 75.198),
    "ResNext50_32_41": (resnext([2, 2, 3, 2], 32, 4), SGD, STEP30, 100, 32, 75.072),
    "ResNext50_16_4": (resnext([3, 4, 6, 3], 16, 4), SGD, STEP30, 100, 32, 75.432),
    "MNASNET_1": (MNASNET, SGD, STEP30, 100, 32, 54.408),
    "MNASNET_1p": (MNASNET, RMSPROP, STEP2, 100, 32, 54.0),
    "Squeezenet_512": (SQUEEZENET, SQUEEZE, STEP30, 100, 512, 41.918),
    "Squeezenet": (SQUEEZENET, SQUEEZE, STEP30, 100, 128, 56.558),
    "deit_tiny_p16_224": (DEIT, ADAMW, COSINE, 300, 256, 71.654),
}
# Table i: backbone and its seed, classifier's seed, architecture, local and global crop scale; Figure A: top-1.
RESNET50 = {"name": "timm", "model": "resnet50"}
DINO = {
    "dino_deit_tiny1": ("dino_deit_tiny1", 0, 0, DEIT, [0.05, 0.2], [0.4, 1.0], 67.932),
    "dino_deit_tiny2": ("dino_deit_tiny2", 7, 7, DEIT, [0.05, 0.2], [0.4, 1.0], 67.52),
    "dino_resnet1": ("dino_resnet", 7, 5, RESNET50, [0.05, 0.14], [0.14, 1.0], 67.236),
    "dino_resnet2": ("dino_resnet", 7, 15, RESNET50, [0.05, 0.14], [0.14, 1.0], 67.216),
}


@pytest.mark.parametrize("name", SUPERVISED)
def test_a_supervised_member_is_a_row_of_table_i(name: str) -> None:
    architecture, optimizer, schedule, epochs, batch, top1 = SUPERVISED[name]
    member = MEMBERS[name]
    assert member["architecture"].items() >= architecture.items()
    assert member["optimizer"].items() >= optimizer.items()
    assert member["schedule"].items() >= schedule.items()
    assert member["schedule"]["warmup_epochs"] == 0
    assert (member["epochs"], member["batch_size"], member["expected_top1"]) == (epochs, batch, top1)
    assert (member["image_size"], member["training_images"]) == (224, None)


@pytest.mark.parametrize("name", DINO)
def test_a_self_supervised_member_is_a_row_of_table_i(name: str) -> None:
    backbone_id, backbone_seed, seed, architecture, local, whole, top1 = DINO[name]
    member, backbone = MEMBERS[name], BACKBONES[DINO[name][0]]
    assert (member["kind"], member["backbone"], member["seed"]) == ("dino", backbone_id, seed)
    assert (member["epochs"], member["batch_size"], member["expected_top1"]) == (100, 256, top1)
    assert (backbone["epochs"], backbone["batch_size"], backbone["seed"]) == (300, 256, backbone_seed)
    assert backbone["architecture"].items() >= architecture.items()
    assert (backbone["views"]["local_scale"], backbone["views"]["global_scale"]) == (local, whole)
    for settings in (member, backbone):
        if "deit" in name:
            assert (settings["optimizer"]["name"], settings["optimizer"]["lr"]) == ("AdamW", 0.0005)
            assert settings["schedule"]["name"] == "cosine"
        else:
            expected = {"name": "SGD", "lr": 0.03, "weight_decay": 0.0001}
            assert settings["optimizer"].items() >= expected.items()
            assert settings["schedule"] == {"name": "constant", "warmup_epochs": 0}


@pytest.mark.parametrize("name", [*SUPERVISED, *DINO])
def test_transforms_are_those_of_table_iii(name: str) -> None:
    assert MEMBERS[name]["transforms"] == {
        "crop_scale": [0.08, 1.0],
        "crop_ratio": [0.75, 1.3333],
        "horizontal_flip": 0.5,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    }


def test_two_members_share_one_backbone_and_the_others_have_their_own() -> None:
    named = [member["backbone"] for member in STUDY["members"] if member["kind"] == "dino"]
    assert sorted(named) == ["dino_deit_tiny1", "dino_deit_tiny2", "dino_resnet", "dino_resnet"]
    assert set(named) == BACKBONES.keys()


def test_the_schedules_of_dino_are_those_of_its_paper() -> None:
    dino = BACKBONES["dino_deit_tiny1"]["dino"]
    assert (dino["momentum"], dino["center_momentum"], dino["student_temperature"]) == (0.996, 0.9, 0.1)
    temperatures = [dino[key] for key in ("first_teacher_temperature", "teacher_temperature")]
    assert (temperatures, dino["teacher_temperature_epochs"]) == ([0.04, 0.07], 30)
    assert (dino["outputs"], dino["hidden"], dino["bottleneck"]) == (65536, 2048, 256)
    assert BACKBONES["dino_deit_tiny1"]["optimizer"]["weight_decay"] == 0.04
    assert dino["final_weight_decay"] == 0.4


def test_the_five_validation_sets() -> None:
    datasets = STUDY["datasets"]
    found = [(entry["id"], entry["layout"], entry.get("corruption")) for entry in datasets["validation"]]
    families = ("noise", "blur", "weather", "digital")
    assert found == [("clean", "folders", None), *((family, "imagenet-c", family) for family in families)]
    assert (datasets["image_size"], datasets["resize"], datasets["classes"]) == (224, 256, None)
    assert all(entry["images"] is None for entry in datasets["validation"])
