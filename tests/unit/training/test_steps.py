"""Training at scale: parts of a batch, 16 bits, several processes, and what happens when memory ends."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json
from scripts.lib.networks.architectures import build
from scripts.lib.training.dino import pretrain
from scripts.lib.training.distributed import start
from scripts.lib.training.inputs import PLAIN, Run, TrainingOutputs
from scripts.lib.training.optimizers import make_optimizer
from scripts.lib.training.parts import smallest_part
from scripts.lib.training.steps import Steps, memory_advice
from scripts.lib.training.supervised import train
from tests.unit.conftest import SMALL_DEIT, coloured_training_set, coloured_validation_set, small_member
from tests.unit.training.test_dino import small_backbone

CPU = torch.device("cpu")
# Nothing random but the order: then processes see the same pictures as one process.
CALM = {"crop_scale": [1.0, 1.0], "crop_ratio": [1.0, 1.0], "horizontal_flip": 0}


def gradients(**scale: Any) -> tuple[list[torch.Tensor], float]:
    """Gradients and loss of one step on ten images."""
    torch.manual_seed(0)
    member = small_member()
    model = build(member, 3).model
    steps = Steps(model, make_optimizer(model, member["optimizer"]), PLAIN | scale, CPU)
    images, labels = torch.randn(10, 3, 32, 32), torch.arange(10) % 3
    logits, loss = steps.classify(images, labels, batch=10)
    assert logits.shape == (10, 3)
    found = [parameter.grad / steps.scaler.get_scale() for parameter in model.parameters()]  # type: ignore[operator]
    return found, loss


@pytest.mark.parametrize("size", [5, 4, 10, 64])
def test_gradients_of_parts_add_up_to_those_of_the_batch(size: int) -> None:
    whole, loss = gradients()
    parts, loss_of_parts = gradients(images_at_once=size)
    assert loss_of_parts == pytest.approx(loss)
    for one, other in zip(whole, parts, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("at_once", [3, 4, 7])
def test_the_smallest_part_has_two_images_or_more(at_once: int) -> None:
    """The schema allows 3 and more."""
    assert min(smallest_part(images, at_once) for images in range(2, 200)) >= 2


def test_no_part_of_a_batch_is_a_single_image() -> None:
    """Batch norm cannot use one: 65 images of which 32 are computed at once are 22, 22 and 21, not 32, 32 and 1."""
    seen = []

    class Counting(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            seen.append(len(input))
            return super().forward(input)

    model = Counting(2, 3)
    steps = Steps(model, torch.optim.SGD(model.parameters(), 0.1), PLAIN | {"images_at_once": 32}, CPU)
    steps.classify(torch.zeros(65, 2), torch.zeros(65, dtype=torch.int64), batch=65)
    assert seen == [22, 22, 21]


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_sixteen_bits_give_nearly_the_same_gradients(precision: str) -> None:
    whole, loss = gradients()
    short, loss_of_short = gradients(precision=precision)
    assert loss_of_short != loss
    assert loss_of_short == pytest.approx(loss, rel=0.02)
    one, other = (torch.cat([tensor.flatten() for tensor in found]) for found in (whole, short))
    assert torch.cosine_similarity(one, other, dim=0) > 0.99


def trained(folder: Path, scale: dict[str, Any], **changes: Any) -> Path:
    member = small_member(transforms=CALM, epochs=3, **changes)
    images, validation = coloured_training_set(41), coloured_validation_set(9)
    record = folder / "a.json"
    where = [str(path) for path in (folder / "a.safetensors", record, folder / "a.pt")]
    train(member, Run(images, validation, CPU, TrainingOutputs(*where), scale=PLAIN | scale))
    return record


def curve(record: Path) -> list[float]:
    return [value for line in load_json(record)["history"] for value in (line["loss"], line["training_accuracy"])]


@pytest.mark.parametrize("scale", [{"images_at_once": 3}, {"precision": "bfloat16"}, {"precision": "float16"}])
def test_a_training_at_another_scale_has_nearly_the_same_curve(tmp_path: Path, scale: dict[str, Any]) -> None:
    plain, other = (curve(trained(tmp_path / name, how)) for name, how in (("a", {}), ("b", scale)))
    assert np.allclose(plain[::2], other[::2], rtol=0.03)


# Several processes. These functions run in processes of their own.


def train_shared(folder: str, optimizer: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    trained(Path(folder), {}, architecture=SMALL_DEIT, optimizer=optimizer)
    where = [str(Path(folder, name)) for name in ("b.safetensors", "b.json", "b.pt")]
    run = Run(coloured_training_set(16), coloured_validation_set(6), CPU, TrainingOutputs(*where))
    pretrain(small_backbone(epochs=1), run)


def test_two_processes_have_the_loss_curve_of_one_with_the_same_batch(tmp_path: Path) -> None:
    optimizer = {"name": "AdamW", "lr": 0.003}
    for name, processes in (("one", 1), ("two", 2)):
        arguments = {"folder": str(tmp_path / name), "optimizer": optimizer}
        start(train_shared, arguments, "cpu", processes)
    one, two = (curve(tmp_path / name / "a.json") for name in ("one", "two"))
    assert np.allclose(one, two, rtol=1e-4)
    assert one[4] < one[0]  # it did learn
    backbones = [load_json(tmp_path / name / "b.json")["history"] for name in ("one", "two")]
    assert [len(history) for history in backbones] == [1, 1]
    assert backbones[1][0]["loss"] == pytest.approx(backbones[0][0]["loss"], rel=0.3)  # with other random crops
    assert (tmp_path / "two" / "b.safetensors").exists()


def test_what_a_process_refuses_reaches_the_user(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"no\.json is missing: run the workflow again"):
        start(load_json, {"path": str(tmp_path / "no.json")}, "cpu", 2)


# Memory and divergence.


def test_a_device_without_enough_memory_names_the_setting() -> None:
    said = r"members/a does not fit .* lower training/images_at_once \(now 512 images\)"
    with pytest.raises(StudyError, match=said), memory_advice("members/a", 512, PLAIN):
        torch.empty(2**50)
    with pytest.raises(RuntimeError, match="shape"), memory_advice("members/a", 512, PLAIN):
        nn.Linear(2, 2)(torch.zeros(3, 3))


def test_memory_advice_names_only_what_helps() -> None:
    short = PLAIN | {"precision": "bfloat16"}
    said = r"device: lower backbones/a/batch_size \(now 512\)\.$"
    with pytest.raises(StudyError, match=said), memory_advice("backbones/a", 512, short, divided=False):
        torch.empty(2**50)


def test_the_last_good_state_is_kept_when_the_loss_is_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classify, calls = Steps.classify, []

    def broken(self: Steps, *arguments: Any) -> Any:
        calls.append(1)
        logits, loss = classify(self, *arguments)
        return logits, loss if len(calls) < 4 else float("nan")  # two steps an epoch

    with monkeypatch.context() as patch:
        patch.setattr(Steps, "classify", broken)
        with pytest.raises(StudyError, match=r"diverged in epoch 2, step 4 \(loss nan\)"):
            trained(tmp_path, {})
    assert torch.load(tmp_path / "a.pt", weights_only=True)["history"][-1]["epoch"] == 1
    assert len(load_json(trained(tmp_path, {}))["history"]) == 3
