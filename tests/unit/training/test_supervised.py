"""Training: schedules by iterations, seeds, resuming after a kill, and what is refused."""

import io
import math
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scripts.lib.datasets.image_set import ArrayImages, ImageSet
from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json
from scripts.lib.study.resolve import ROOT
from scripts.lib.training.batches import Loader, Transformed, training_transforms
from scripts.lib.training.optimizers import make_optimizer, make_schedule
from scripts.lib.training.run import Outputs, Run
from scripts.lib.training.steps import Steps
from scripts.lib.training.supervised import train
from tests.unit.conftest import (
    CLASSES,
    SMALL_MNASNET,
    coloured_pixels,
    coloured_training_set,
    coloured_validation_set,
    small_member,
)

# Schedules.


def rates(settings: dict[str, Any], epochs: int, iterations: int, lr: float = 1.0) -> list[float]:
    """The learning rate of every iteration of a training."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    schedule = make_schedule(optimizer, {"warmup_epochs": 0} | settings, epochs, iterations)
    found = []
    for step in range(epochs * iterations):
        schedule.step_update(step)
        found.append(optimizer.param_groups[0]["lr"])
    return found


def test_a_step_of_2_4_epochs_falls_within_an_epoch() -> None:
    found = rates({"name": "step", "gamma": 0.97, "every_epochs": 2.4}, epochs=10, iterations=10, lr=0.256)
    expected = [0.256 * 0.97 ** (iteration // 24) for iteration in range(100)]
    assert found == pytest.approx(expected)
    assert found[23] > found[24]


def test_the_paper_s_steps_are_every_thirty_epochs() -> None:
    found = rates({"name": "step", "gamma": 0.1, "every_epochs": 30}, epochs=100, iterations=3, lr=0.1)
    assert found[89] == pytest.approx(0.1)
    assert found[90] == pytest.approx(0.01)
    assert found[-1] == pytest.approx(0.0001)


def test_a_step_shorter_than_an_iteration_is_one_iteration() -> None:
    found = rates({"name": "step", "gamma": 0.5, "every_epochs": 0.01}, epochs=1, iterations=4)
    assert found == pytest.approx([1, 0.5, 0.25, 0.125])


def test_a_cosine_falls_to_zero_at_the_end() -> None:
    found = rates({"name": "cosine"}, epochs=4, iterations=5, lr=0.5)
    assert found == pytest.approx([0.25 * (1 + math.cos(math.pi * iteration / 20)) for iteration in range(20)])


@pytest.mark.parametrize("settings", [{"name": "cosine"}, {"name": "step", "gamma": 0.1, "every_epochs": 1}])
def test_a_warmup_rises_linearly_and_the_schedule_goes_on(settings: dict[str, Any]) -> None:
    plain = rates(settings, epochs=3, iterations=8)
    warm = rates(settings | {"warmup_epochs": 0.5}, epochs=3, iterations=8)
    assert warm[:4] == pytest.approx([0, 0.25, 0.5, 0.75])
    assert warm[4:] == pytest.approx(plain[4:])


# Optimizers and transforms.


def test_an_optimizer_has_the_parameters_of_the_study() -> None:
    settings = {"name": "RMSprop", "lr": 0.256, "alpha": 0.9, "momentum": 0.9, "weight_decay": 0, "eps": 1e-8}
    optimizer = make_optimizer(nn.Linear(1, 1), settings)
    assert type(optimizer) is torch.optim.RMSprop
    assert optimizer.defaults.items() >= {key: settings[key] for key in settings if key != "name"}.items()


def test_one_step_of_rmsprop_uses_alpha_as_smoothing_constant() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    settings = {"name": "RMSprop", "lr": 0.1, "alpha": 0.9, "momentum": 0.0, "weight_decay": 0, "eps": 1e-8}
    optimizer = make_optimizer(model, settings)
    model(torch.full((1, 1), 3.0)).sum().backward()
    optimizer.step()
    assert model.weight.item() == pytest.approx(1 - 0.1 * 3 / math.sqrt(0.1 * 9), rel=1e-5)


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_every_parameter_is_given_to_the_optimizer(name: str) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = make_optimizer(
        model, small_member(optimizer={"name": name, "lr": 0.3, "weight_decay": 0.05})["optimizer"]
    )
    [group] = optimizer.param_groups
    assert len(group["params"]) == 4
    assert (group["lr"], group["weight_decay"]) == (0.3, 0.05)


def test_a_training_image_is_cropped_and_normalised_as_the_study_says() -> None:
    member = small_member(
        transforms={"crop_scale": [1.0, 1.0], "crop_ratio": [1.0, 1.0], "horizontal_flip": 1, "std": [0.5, 0.5, 0.25]}
    )
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    found = training_transforms(member)(ArrayImages(pixels)[0])
    mirrored = pixels[0, :, ::-1].astype(np.float32) / 255
    expected = (mirrored - [0.485, 0.456, 0.406]) / [0.5, 0.5, 0.25]
    assert found.dtype == torch.float32
    assert np.allclose(found.permute(1, 2, 0).numpy(), expected, atol=1e-5)


# Training of small networks on coloured images.


class Files:
    """Where one training writes."""

    def __init__(self, folder: Path) -> None:
        self.weights, self.record, self.resume = (folder / name for name in ("a.safetensors", "a.json", "a.pt"))

    @property
    def paths(self) -> tuple[str, str, str]:
        return str(self.weights), str(self.record), str(self.resume)


def train_small(
    folder: Path,
    member: dict[str, Any],
    training: ImageSet | None = None,
    validation: ValidationSet | None = None,
    workers: int = 0,
) -> Files:
    files = Files(folder)
    images = training or coloured_training_set(40)
    seen = validation or coloured_validation_set(9)
    train(member, Run(images, seen, torch.device("cpu"), Outputs(*files.paths), workers))
    return files


def resumable_member() -> dict[str, Any]:
    """Batch norm, dropout, momentum and random crops: everything that a resumed training could get wrong."""
    optimizer = {"name": "RMSprop", "lr": 0.002, "alpha": 0.9, "momentum": 0.9}
    schedule = {"name": "step", "gamma": 0.9, "every_epochs": 0.7}
    return small_member(architecture=SMALL_MNASNET, optimizer=optimizer, schedule=schedule, epochs=12, seed=3)


def train_until_killed(folder: str) -> None:
    """Runs in a process of its own, which says when it is in the middle of the fourth epoch, and stays there."""
    torch.set_num_threads(1)
    finish, steps = Steps.finish, []

    def finish_or_stay(self: Steps) -> None:
        finish(self)
        steps.append(1)
        if len(steps) == 7:  # two steps an epoch
            print("in the middle", flush=True)
            sys.stdin.read()

    Steps.finish = finish_or_stay  # type: ignore[method-assign]
    train_small(Path(folder), resumable_member())


def test_a_small_network_learns_separable_images(tmp_path: Path) -> None:
    member = small_member(
        optimizer={"name": "AdamW", "lr": 0.003}, epochs=4, transforms={"crop_scale": [0.5, 1]}, seed=1
    )
    validation = coloured_validation_set(60)
    files = train_small(tmp_path, member, coloured_training_set(120), validation)
    history = load_json(files.record)["history"]
    assert history[-1]["validation_accuracy"] > 90
    assert history[-1]["training_accuracy"] > 80
    assert history[-1]["loss"] < history[0]["loss"] / 2


def test_a_record_tells_how_the_weights_came_about(tmp_path: Path) -> None:
    member = small_member(epochs=2, training_images=33)
    files = train_small(tmp_path, member)
    record = load_json(files.record)
    assert record["member"] == member
    assert record["classes"] == CLASSES
    assert record["training_images"] == 33
    assert [line["epoch"] for line in record["history"]] == [1, 2]
    assert record["history"][0].keys() == {
        "epoch",
        "loss",
        "learning_rate",
        "training_accuracy",
        "validation_accuracy",
        "seconds",
    }
    assert record["versions"]["torch"] == torch.__version__
    assert record["versions"]["commit"]
    assert record["seconds"] == pytest.approx(sum(line["seconds"] for line in record["history"]))
    assert not files.resume.exists()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first = train_small(tmp_path / "1", small_member(seed=5)).weights.read_bytes()
    torch.rand(7)  # whatever happened before must not matter
    assert train_small(tmp_path / "2", small_member(seed=5)).weights.read_bytes() == first
    assert train_small(tmp_path / "3", small_member(seed=6)).weights.read_bytes() != first


def test_the_validation_images_do_not_influence_the_weights(tmp_path: Path) -> None:
    first = train_small(tmp_path / "1", small_member(), validation=coloured_validation_set(9))
    second = train_small(tmp_path / "2", small_member(), validation=coloured_validation_set(30))
    assert first.weights.read_bytes() == second.weights.read_bytes()


def test_images_loaded_by_other_processes_are_the_same_every_time(tmp_path: Path) -> None:
    files = [train_small(tmp_path / name, small_member(epochs=2), workers=1) for name in "ab"]
    assert files[0].weights.read_bytes() == files[1].weights.read_bytes()


def test_a_killed_training_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    undisturbed = train_small(tmp_path / "undisturbed", resumable_member())
    killed = Files(tmp_path / "killed")
    module = "tests.unit.training.test_supervised"
    program = f"import sys; from {module} import train_until_killed; train_until_killed(sys.argv[1])"
    process = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "killed"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"in the middle\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert killed.resume.exists()
    assert not killed.weights.exists()
    with caplog.at_level("INFO", logger="ensemble-diversity"):
        train_small(tmp_path / "killed", resumable_member())
    assert "resumed after epoch 3" in caplog.text
    assert killed.weights.read_bytes() == undisturbed.weights.read_bytes()
    assert not killed.resume.exists()
    losses = [[line["loss"] for line in load_json(files.record)["history"]] for files in (undisturbed, killed)]
    assert losses[0] == losses[1]


def interrupted(folder: Path, member: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Files:
    """A training that stops after its last epoch, before its weights are written."""

    def stop(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("scripts.lib.training.supervised.save_weights", stop)
        with pytest.raises(KeyboardInterrupt):
            train_small(folder, member)
    return Files(folder)


def test_a_remainder_of_another_recipe_is_refused_with_the_keys_that_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remainder = interrupted(tmp_path, small_member(optimizer={"lr": 0.5}, seed=2), monkeypatch).resume
    with pytest.raises(StudyError, match=r"another recipe: optimizer/lr was 0.5, is 0.1; seed was 2, is 0. Restore"):
        train_small(tmp_path, small_member())
    assert remainder.exists()


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign"])
def test_a_remainder_that_cannot_be_read_is_not_used(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remainder = interrupted(tmp_path / "a", small_member(), monkeypatch).resume
    whole = remainder.read_bytes()
    remainder.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "foreign": b"no state"}[damage])
    after_damage = train_small(tmp_path / "a", small_member())
    assert after_damage.weights.read_bytes() == train_small(tmp_path / "b", small_member()).weights.read_bytes()


class _Trap:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


def test_a_remainder_with_foreign_objects_is_not_run(tmp_path: Path) -> None:
    content = io.BytesIO()
    torch.save(_Trap(tmp_path / "trace"), content, pickle_module=pickle)
    (tmp_path / "a.pt").write_bytes(content.getvalue())
    train_small(tmp_path, small_member())
    assert not (tmp_path / "trace").exists()


# What is refused.


def test_a_training_that_diverges_names_its_learning_rate(tmp_path: Path) -> None:
    member = small_member(optimizer={"lr": 1e9}, epochs=3)
    with pytest.raises(StudyError, match=r"first diverged in epoch \d, step \d+ .*optimizer/lr, now 1000000000"):
        train_small(tmp_path, member)
    assert not Files(tmp_path).weights.exists()


def test_a_class_without_training_image_is_named(tmp_path: Path) -> None:
    pixels, labels = coloured_pixels(30)
    without_green = ImageSet(ArrayImages(pixels), np.where(labels == 1, 0, labels), list(map(str, labels)), CLASSES)
    with pytest.raises(StudyError, match="no training image has the class green"):
        train_small(tmp_path, small_member(), without_green)


def test_more_training_images_than_there_are_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(
        StudyError, match="members/first/training_images: 41 images are asked for, but there are only 40"
    ):
        train_small(tmp_path, small_member(training_images=41))


def test_a_validation_label_without_class_is_refused(tmp_path: Path) -> None:
    validation = coloured_validation_set(9)
    wrong = ValidationSet(validation.images, validation.labels + 1, validation.samples)
    with pytest.raises(StudyError, match="a validation label is 3, but there are 3 training classes"):
        train_small(tmp_path, small_member(), validation=wrong)


def test_a_last_batch_of_one_image_does_not_break_batch_norm(tmp_path: Path) -> None:
    member = small_member(architecture=SMALL_MNASNET, batch_size=16)
    train_small(tmp_path, member, coloured_training_set(33))
    assert Files(tmp_path).weights.exists()


def test_fewer_images_than_a_batch_are_trained_on(tmp_path: Path) -> None:
    files = train_small(tmp_path, small_member(batch_size=64), coloured_training_set(20))
    assert load_json(files.record)["history"][0]["training_accuracy"] >= 0


# Within an epoch.


def order_of_labels(seed: int, epoch: int) -> list[int]:
    """Each image has a label of its own, so that labels tell the order."""
    pixels, _ = coloured_pixels(40)
    images = ImageSet(ArrayImages(pixels), np.arange(40), list(map(str, range(40))), CLASSES)
    member = small_member(seed=seed)
    batches = Loader(Transformed(images, member), member, workers=0).epoch(epoch)
    return [label for _, labels in batches for label in labels.tolist()]


def test_the_order_of_the_images_belongs_to_the_seed_and_the_epoch() -> None:
    order = order_of_labels(seed=1, epoch=0)
    assert len(set(order)) == 32  # two whole batches of 16, each image once
    assert order != sorted(order)
    assert order_of_labels(seed=1, epoch=0) == order
    assert order_of_labels(seed=1, epoch=1) != order
    assert order_of_labels(seed=2, epoch=0) != order


def test_the_schedule_starts_at_the_first_iteration_and_steps_with_each(tmp_path: Path) -> None:
    schedule = {"name": "step", "gamma": 0.5, "every_epochs": 0.5}  # two iterations an epoch, so at each
    files = train_small(tmp_path, small_member(optimizer={"lr": 0.08}, schedule=schedule, epochs=2))
    found = [line["learning_rate"] for line in load_json(files.record)["history"]]
    assert found == pytest.approx([0.04, 0.01])  # at the last iterations: 0.08 · 0.5 and 0.08 · 0.5³
