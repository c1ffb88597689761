"""Training together: equal to training alone without a term, resumable, and what is refused or remarked."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json
from scripts.lib.study.resolve import ROOT, resolve
from scripts.lib.training import group as group_training
from scripts.lib.training.group import ramp, train
from scripts.lib.training.group_steps import GroupSteps, objective
from scripts.lib.training.inputs import PLAIN, Run, TrainingOutputs
from scripts.lib.training.losses.spec import Outputs
from scripts.lib.training.supervised import fit
from tests.unit.conftest import (
    SMALL_DEIT,
    SMALL_RESNEXT,
    coloured_pixels,
    coloured_training_set,
    coloured_validation_set,
    small_study,
)

ALL_TERMS = {"joint": 0.3, "ncl": 0.2, "gncl": 0.1, "activation": 0.2, "attribution": 0.1}
PLAIN_RESNET = {
    "name": "resnet",
    "block": "basic",
    "layers": [1, 1, 1, 1],
    # torch 2.13 writes beyond its memory for widths of 4 in the channels-last layout on CPUs ("double free").
    "stem": 8,
    "widths": [8, 8, 8, 8],
    "mid_widths": [[[8]], [[8]], [[8]], [[8]]],
}


def a_group(architectures: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """A resolved group with its members' entries, as the rule hands it to the training."""
    sizes = changes.pop("sizes", [32] * len(architectures))
    optimizer = changes.pop("optimizer", {"name": "SGD", "lr": 0.05, "momentum": 0.9})
    members = [
        {"architecture": network, "optimizer": optimizer, "schedule": {"name": "cosine"}, "image_size": size}
        for network, size in zip(architectures, sizes, strict=True)
    ]
    entry = {"id": "g", "members": members, "epochs": 2, "batch_size": 16, "seed": 3} | changes
    study = resolve(small_study(members=[], groups=[entry]))
    by_id = {member["id"]: member for member in study["members"]}
    [group] = study["groups"]
    return group | {"members": [by_id[member] for member in group["members"]]}


def train_small(folder: Path, group: dict[str, Any], images: int = 40, **scale: Any) -> Path:
    outputs = TrainingOutputs(str(folder / "g"), str(folder / "g.json"), str(folder / "g.pt"))
    validation = coloured_validation_set(30)
    train(group, Run(coloured_training_set(images), validation, torch.device("cpu"), outputs, 0, PLAIN | scale))
    return folder / "g"


def weights(folder: Path, number: int) -> dict[str, torch.Tensor]:
    return load_file(folder / f"g-{number}.safetensors")


def equal(first: Mapping[str, torch.Tensor], second: Mapping[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def test_members_without_a_term_are_those_that_are_trained_alone_on_the_same_images(tmp_path: Path) -> None:
    group = a_group([PLAIN_RESNET, SMALL_DEIT])
    together = train_small(tmp_path, group)
    for number, member in enumerate(group["members"], start=1):
        # The initial weights are those of the member's seed; images, order and crops those of the group's.
        torch.manual_seed(0)
        alone = group_training._member(member, _run(tmp_path)).network.model
        outputs = TrainingOutputs(*(str(tmp_path / f"alone{number}.{name}") for name in ("safetensors", "json", "pt")))
        fit(alone, member | {"seed": group["seed"]}, _run(tmp_path, outputs))
        found = load_file(outputs.weights)
        for name, tensor in weights(together, number).items():
            torch.testing.assert_close(tensor, found[name], rtol=1e-5, atol=1e-6)


def _run(folder: Path, outputs: TrainingOutputs | None = None) -> Run:
    nowhere = outputs or TrainingOutputs("", "", str(folder / "none.pt"))
    return Run(coloured_training_set(40), coloured_validation_set(30), torch.device("cpu"), nowhere)


def test_dropout_of_a_member_does_not_depend_on_the_others(tmp_path: Path) -> None:
    pair = train_small(tmp_path / "2", a_group([SMALL_RESNEXT, PLAIN_RESNET]))
    three = train_small(tmp_path / "3", a_group([SMALL_RESNEXT, PLAIN_RESNET, SMALL_DEIT]))
    assert all(equal(weights(pair, number), weights(three, number)) for number in (1, 2))


def test_groups_of_the_same_seed_start_from_the_same_weights(tmp_path: Path) -> None:
    one, other = (a_group([PLAIN_RESNET] * 2, loss=loss) for loss in ({}, {"joint": 1}))
    first, second = (
        [group_training._member(member, _run(tmp_path)).network.model.state_dict() for member in group["members"]]
        for group in (one, other)
    )
    assert equal(first[0], second[0])
    assert equal(first[1], second[1])
    assert not equal(first[0], first[1])


@pytest.mark.parametrize("term", ALL_TERMS)
def test_each_term_changes_the_training_and_is_made_smaller_by_it(tmp_path: Path, term: str) -> None:
    shape: dict[str, Any] = {"epochs": 6, "sizes": [32, 40], "optimizer": {"name": "AdamW", "lr": 0.003}}
    train_small(tmp_path / "with", a_group([PLAIN_RESNET, SMALL_DEIT], loss={term: 1}, **shape))
    train_small(tmp_path / "without", a_group([PLAIN_RESNET, SMALL_DEIT], **shape))
    found = [load_json(tmp_path / folder / "g.json")["penalties"]["training"][term] for folder in ("with", "without")]
    assert found[0] < found[1]


def test_a_record_tells_how_the_members_came_about(tmp_path: Path) -> None:
    group = a_group([PLAIN_RESNET, SMALL_DEIT], loss=ALL_TERMS)
    folder = train_small(tmp_path, group)
    record = load_json(tmp_path / "g.json")
    assert record["group"] == group
    assert record["history"][0].keys() >= {"loss", "cross_entropy", "ensemble_accuracy", *ALL_TERMS}
    for line in record["history"]:
        weighted = sum(weight * line[name] for name, weight in ALL_TERMS.items())
        assert line["loss"] == pytest.approx(line["cross_entropy"] + weighted, rel=1e-5)
    assert record["penalties"].keys() == {"training", "held_out"}
    member = load_json(folder / "g-2.json")
    assert member["member"] == group["members"][1] | {"precision": "float32"}
    assert [line["validation_accuracy"] for line in member["history"]] == [
        line["validation_accuracy"][1] for line in record["history"]
    ]
    assert not (tmp_path / "g.pt").exists()


def test_parts_of_a_batch_and_whole_batches_have_the_same_gradients() -> None:
    """Without batch norm, and with terms that do not compare images, only rounding differs."""
    group = a_group([SMALL_DEIT] * 2, loss={"joint": 0.5, "ncl": 0.5, "attribution": 0.5})
    pixels, labels = coloured_pixels(12)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    gradients = []
    for at_once in (None, 5):
        members = [group_training._member(member, _run(Path())) for member in group["members"]]
        optimizers = [torch.optim.SGD(member.network.model.parameters(), lr=0.1) for member in members]
        steps = GroupSteps(members, optimizers, PLAIN | {"images_at_once": at_once}, torch.device("cpu"))
        said = steps.step(images, torch.from_numpy(labels), group["loss"], step=0, batch=12)
        assert said.logits.shape == (2, 12, 3)
        gradients.append([p.grad for m in members for p in m.network.model.parameters() if p.grad is not None])
    for whole, parts in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-6)


def test_the_loss_is_a_weighted_sum() -> None:
    logits = torch.randn(3, 8, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    of = Outputs(logits, torch.arange(8) % 4)
    values = objective(of, {"joint": 1.0})
    average = -logits.softmax(2).mean(0).log()[torch.arange(8), of.labels].mean()
    assert values["loss"].item() == pytest.approx(average.item())
    assert objective(of, {})["loss"].item() == pytest.approx(values["cross_entropy"].item())


def test_weights_grow_over_the_first_epochs() -> None:
    group = {"loss": {"ncl": 2.0}, "ramp_epochs": 4}
    assert [ramp(group, epochs)["ncl"] for epochs in (0, 1, 4, 9)] == [0, 0.5, 2, 2]
    assert ramp(group | {"ramp_epochs": 0}, 0) == {"ncl": 2.0}


def a_resumable_group() -> dict[str, Any]:
    """Batch norm, dropout, momentum, random crops, and every term."""
    optimizer = {"name": "RMSprop", "lr": 0.002, "alpha": 0.9, "momentum": 0.9}
    return a_group([PLAIN_RESNET, SMALL_RESNEXT], loss=ALL_TERMS, epochs=4, ramp_epochs=2, optimizer=optimizer)


def train_until_killed(folder: str, after: str) -> None:
    """Runs in a process of its own, which says when it has made some steps, and stays there."""
    torch.set_num_threads(1)
    finish, steps = GroupSteps.finish, []

    def finish_or_stay(self: GroupSteps) -> None:
        finish(self)
        steps.append(1)
        if len(steps) == int(after):
            print("in the middle", flush=True)
            sys.stdin.read()

    GroupSteps.finish = finish_or_stay  # type: ignore[method-assign]
    train_small(Path(folder), a_resumable_group())


def test_a_training_that_is_killed_three_times_ends_with_the_same_bytes(tmp_path: Path) -> None:
    undisturbed = train_small(tmp_path / "undisturbed", a_resumable_group())
    module = "tests.unit.training.test_group"
    program = f"import sys; from {module} import train_until_killed; train_until_killed(*sys.argv[1:])"
    # Two steps an epoch: in the first epoch, after its end, and in the middle of the third.
    for steps in np.random.default_rng(0).permutation([1, 3, 3]):
        process = subprocess.Popen(
            [sys.executable, "-c", program, tmp_path / "killed", str(steps)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"in the middle\n"
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert (tmp_path / "killed" / "g.pt").exists()
    killed = train_small(tmp_path / "killed", a_resumable_group())
    for number in (1, 2):
        name = f"g-{number}.safetensors"
        assert (killed / name).read_bytes() == (undisturbed / name).read_bytes()
    assert not (tmp_path / "killed" / "g.pt").exists()


# What is refused or remarked.


def test_a_group_that_diverges_names_its_weights_and_learning_rates(tmp_path: Path) -> None:
    group = a_group([SMALL_DEIT] * 2, loss={"ncl": 7}, optimizer={"name": "SGD", "lr": 1e9}, epochs=3)
    message = r"the group g diverged in epoch \d, step \d+ .*groups/g/loss, now ncl 7.*optimizer/lr, now 1000000000"
    with pytest.raises(StudyError, match=message):
        train_small(tmp_path, group)
    assert not (tmp_path / "g").exists()


def test_members_that_learn_nothing_are_remarked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train_small(tmp_path, a_group([SMALL_DEIT] * 2, optimizer={"name": "SGD", "lr": 1e-9}, epochs=1))
    assert load_json(tmp_path / "g.json")["collapse"] == "no member is better than chance"
    assert "group g: after the training, no member is better than chance" in caplog.text


def test_more_training_images_than_there_are_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="groups/g/training_images: 41 images are asked for, but there are only 40"):
        train_small(tmp_path, a_group([SMALL_DEIT] * 2, training_images=41))
