"""DINO: student and teacher, their schedules, the running check, and classifiers on a frozen backbone."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json
from scripts.lib.study.resolve import merge, resolve
from scripts.lib.training.dino import Pretraining, _NearestNeighbours, features_of, pretrain, vote
from scripts.lib.training.inputs import PLAIN, Run, TrainingOutputs
from scripts.lib.training.linear_classifier import train_classifier
from tests.unit.conftest import (
    SMALL_DEIT,
    SMALL_MNASNET,
    SMALL_RESNEXT,
    coloured_training_set,
    coloured_validation_set,
    small_member_entry,
    small_study,
)

CPU = torch.device("cpu")


def backbone_entry(**changes: Any) -> dict[str, Any]:
    entry = {
        "id": "backbone",
        "architecture": SMALL_DEIT,
        "optimizer": {"name": "AdamW", "lr": 0.001, "weight_decay": 0.04},
        "schedule": {"name": "cosine"},
        "epochs": 2,
        "batch_size": 8,
        "image_size": 32,
        "views": {"local_size": 16, "local_count": 2},
        "dino": {"outputs": 16, "hidden": 16, "bottleneck": 8, "teacher_temperature_epochs": 1},
        "knn": {"images": 12, "neighbours": 3},
        "seed": 3,
    }
    return merge(entry, changes)


def study_with(network: dict[str, Any], **member: Any) -> dict[str, Any]:
    classifier = {
        "id": "first",
        "kind": "dino",
        "backbone": "backbone",
        "optimizer": {"name": "SGD", "lr": 0.1},
        "schedule": {"name": "constant"},
        "epochs": 2,
        "batch_size": 8,
    }
    members = [merge(classifier, member), small_member_entry("second")]
    return resolve(small_study(backbones=[network], members=members))


def small_backbone(**changes: Any) -> dict[str, Any]:
    return study_with(backbone_entry(**changes))["backbones"][0]


def pretrained(folder: Path, **changes: Any) -> tuple[Path, Path]:
    weights, record = folder / "backbone.safetensors", folder / "backbone.json"
    images, validation = coloured_training_set(24), coloured_validation_set(9)
    where = [str(path) for path in (weights, record, folder / "backbone.pt")]
    pretrain(small_backbone(**changes), Run(images, validation, CPU, TrainingOutputs(*where)))
    return weights, record


def classified(folder: Path, backbone: tuple[Path, Path], **member: Any) -> tuple[Path, Path]:
    settings = study_with(backbone_entry(), **member)["members"][0]
    weights, record = folder / "member.safetensors", folder / "member.json"
    where = [str(path) for path in (weights, record, folder / "member.pt")]
    images, validation = coloured_training_set(24), coloured_validation_set(9)
    train_classifier(settings, *map(str, backbone), Run(images, validation, CPU, TrainingOutputs(*where)))
    return weights, record


def run_of(**changes: Any) -> Pretraining:
    torch.manual_seed(0)
    return Pretraining(small_backbone(**changes), coloured_training_set(24), 0, CPU, PLAIN)


# One step.


def test_a_step_moves_the_teacher_by_the_moving_average_of_the_student_only() -> None:
    run = run_of(dino={"momentum": 0.9, "frozen_last_layer_epochs": 0})
    before = [parameter.clone() for parameter in run.teacher.parameters()]
    run.step(0, 0, next(run.loader.epoch(0)))
    moved = 0.0
    for old, new, student in zip(before, run.teacher.parameters(), run.student.parameters(), strict=True):
        assert torch.allclose(new, 0.9 * old + 0.1 * student, atol=1e-6)
        moved += float((new - old).abs().sum())
    assert moved > 0
    assert not any(parameter.requires_grad for parameter in run.teacher.parameters())


def test_the_loss_is_the_cross_entropy_of_centred_teacher_and_student_over_pairs_of_different_views() -> None:
    run = run_of(dino={"first_teacher_temperature": 0.05, "teacher_temperature": 0.05})
    center = torch.randn(1, 1, 16)
    run.loss.center.copy_(center)
    views = next(run.loader.epoch(0))
    with torch.no_grad():
        teacher = [(out - center[0]).div(0.05).softmax(-1) for out in run.teacher(views[:2])]
        student = [out.div(0.1).log_softmax(-1) for out in run.student(views)]
    terms = [
        -(wanted * said).sum(-1).mean()
        for first, wanted in enumerate(teacher)
        for second, said in enumerate(student)
        if first != second
    ]
    assert len(terms) == 6
    assert run.step(0, 0, views) == pytest.approx(float(torch.stack(terms).mean()), rel=1e-5)
    assert not torch.equal(run.loss.center, center)


def test_the_teacher_s_temperature_rises_linearly_and_stays() -> None:
    run = run_of(dino={"teacher_temperature_epochs": 2, "first_teacher_temperature": 0.04, "teacher_temperature": 0.08})
    found = [run._teacher_temperature(step) for step in (0, 3, 6, 9)]  # three steps an epoch
    assert found == pytest.approx([0.04, 0.06, 0.08, 0.08])


def test_the_weight_decay_is_a_cosine_for_matrices_and_absent_for_vectors() -> None:
    run = run_of(dino={"final_weight_decay": 0.4}, epochs=3)
    found = []
    for step in (0, 4, 8):
        run._set_weight_decay(step)
        found.append(run.optimizer.param_groups[0]["weight_decay"])
    assert found == pytest.approx([0.04, 0.22, 0.4])
    matrices, vectors = run.optimizer.param_groups
    assert {parameter.ndim for parameter in vectors["params"]} == {1}
    assert min(parameter.ndim for parameter in matrices["params"]) >= 2
    assert vectors["weight_decay"] == 0


@pytest.mark.parametrize(("frozen", "moves"), [(1, False), (0, True)])
def test_the_last_layer_of_the_head_is_frozen_at_the_start(frozen: int, moves: bool) -> None:
    run = run_of(optimizer={"weight_decay": 0.0}, dino={"frozen_last_layer_epochs": frozen})
    before = run.student.head.last_layer.weight_v.clone()
    run.step(0, 0, next(run.loader.epoch(0)))
    assert torch.equal(before, run.student.head.last_layer.weight_v) != moves


def test_sgd_takes_up_a_last_layer_that_was_frozen() -> None:
    run = run_of(optimizer={"name": "SGD", "lr": 0.1, "momentum": 0.9}, schedule={"name": "constant"})
    for epoch in range(2):
        assert math.isfinite(run.epoch(epoch)["loss"])


def test_views_are_two_global_and_the_local_ones() -> None:
    views = next(run_of(views={"local_count": 3}).loader.epoch(0))
    assert [tuple(view.shape) for view in views] == [(8, 3, 32, 32)] * 2 + [(8, 3, 16, 16)] * 3


# Backbones.


@pytest.mark.parametrize("network", [SMALL_DEIT, SMALL_RESNEXT, SMALL_MNASNET], ids=lambda network: network["name"])
def test_features_are_what_the_classifier_would_see(network: dict[str, Any]) -> None:
    settings = {"id": "backbone", "architecture": network | {"dropout": 0.0}, "image_size": 32}
    model, width = features_of(settings)
    assert model.eval()(torch.zeros(2, 3, 32, 32)).shape == (2, width)


def test_a_network_without_linear_classifier_is_refused() -> None:
    architecture = {"name": "timm", "model": "test_vit", "parameters": {}}
    settings = {"id": "b", "image_size": 160, "architecture": architecture}
    assert features_of(settings)[1] > 1
    squeezenet = {"name": "squeezenet", "version": "1.1", "dropout": 0.5}
    with pytest.raises(StudyError, match="squeezenet ends in a Conv2d"):
        features_of(settings | {"architecture": squeezenet})


def test_the_vote_of_the_nearest_neighbours_is_right_for_separable_features() -> None:
    settings = small_backbone(knn={"images": 30})
    colours = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    check = _NearestNeighbours(settings, coloured_training_set(30), coloured_validation_set(12), CPU)
    assert check.accuracy(colours) == 100
    others = coloured_validation_set(12)
    wrong = ValidationSet(others.images, (others.labels + 1) % 3, others.samples)
    assert _NearestNeighbours(settings, coloured_training_set(30), wrong, CPU).accuracy(colours) == 0


def test_the_vote_is_that_of_lightly() -> None:
    from lightly.utils.benchmarking import knn

    generator = torch.Generator().manual_seed(0)
    features, bank = (nn.functional.normalize(torch.randn(count, 6, generator=generator), dim=1) for count in (200, 90))
    labels = torch.randint(0, 4, (90,), generator=generator)
    expected = knn.knn_predict(features, bank.T, labels, num_classes=4, knn_k=20, knn_t=0.07)[:, 0]
    assert torch.equal(vote(features, bank, labels, classes=4, neighbours=20), expected)
    assert len(expected.unique()) == 4


def test_a_record_of_a_backbone_has_loss_and_running_check(tmp_path: Path) -> None:
    record = load_json(pretrained(tmp_path)[1])
    assert record["member"]["id"] == "backbone"
    assert [line["epoch"] for line in record["history"]] == [1, 2]
    assert all(0 <= line["knn_accuracy"] <= 100 and line["loss"] > 0 for line in record["history"])
    assert not (tmp_path / "backbone.pt").exists()


def test_a_backbone_belongs_to_its_seed(tmp_path: Path) -> None:
    first = pretrained(tmp_path / "1")[0].read_bytes()
    torch.rand(7)
    assert pretrained(tmp_path / "2")[0].read_bytes() == first
    assert pretrained(tmp_path / "3", seed=4)[0].read_bytes() != first


def test_an_interrupted_backbone_goes_on_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, Any] = {"architecture": SMALL_RESNEXT, "dino": {"head_batch_norm": True}, "epochs": 3}
    whole = pretrained(tmp_path / "whole", **changes)[0].read_bytes()
    seen: list[float] = []

    def stop_at_the_second(self: Any, backbone: nn.Module) -> float:
        seen.append(0.0)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return 0.0

    with monkeypatch.context() as patch:
        patch.setattr(_NearestNeighbours, "accuracy", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            pretrained(tmp_path / "killed", **changes)
    assert (tmp_path / "killed" / "backbone.pt").exists()
    assert pretrained(tmp_path / "killed", **changes)[0].read_bytes() == whole


def test_a_backbone_that_diverges_names_its_learning_rate(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"backbone diverged in epoch 1, step \d .*backbones/backbone/optimizer/lr"):
        pretrained(tmp_path, optimizer={"lr": 1e30}, dino={"clip_gradients": None})


# Contradictions in the study.


@pytest.mark.parametrize(
    ("backbone", "member", "said"),
    [
        ({}, {"backbone": "backbon"}, r"members/0 \(first\)/backbone: 'backbon' is not one of backbone"),
        ({"views": {"local_size": 20}}, {}, "views/local_size: 20 is not a multiple of the patch_size of 8"),
        ({"views": {"global_scale": [1, 0.4]}}, {}, r"backbones/0 \(backbone\)/views/global_scale: \[1, 0.4\]"),
        ({"architecture": {"name": "squeezenet"}}, {}, "squeezenet has no linear classifier"),
        ({"dino": {"moment": 1}}, {}, "unknown key 'moment'"),
        ({}, {"architecture": SMALL_DEIT}, "unknown key 'architecture'"),
        ({}, {"optimizer": {"nesterov": True}}, "members/0 .*nesterov: needs a momentum"),
    ],
)
def test_what_does_not_fit_is_refused(backbone: dict[str, Any], member: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        study_with(backbone_entry(**backbone), **member)


def test_overrides_and_recipes_reach_backbones() -> None:
    entry = {"id": "backbone", "recipe": "dino_deit_tiny_backbone", "views": {"local_size": 32}}
    members = [{"id": "first", "recipe": "dino_deit_tiny", "backbone": "backbone"}, small_member_entry("second")]
    overrides = {"image_size": 64, "transforms": {"horizontal_flip": 0}}
    study = resolve(small_study(backbones=[entry], members=members, overrides=overrides))
    assert study["backbones"][0]["image_size"] == 64
    assert study["backbones"][0]["dino"]["final_weight_decay"] == 0.4
    assert study["members"][0]["transforms"]["horizontal_flip"] == 0
