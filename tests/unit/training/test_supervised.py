"""Training: schedules by iterations, seeds, resuming after a kill, and what is refused."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scripts.lib.datasets.image_set import ArrayImages, ImageSet
from scripts.lib.datasets.validation_sets import ValidationSet
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import load_json
from scripts.lib.study.resolve import ROOT
from scripts.lib.training.inputs import Run, TrainingOutputs
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
    **of_run: Any,
) -> Files:
    files = Files(folder)
    images = training or coloured_training_set(40)
    seen = validation or coloured_validation_set(9)
    train(member, Run(images, seen, torch.device("cpu"), TrainingOutputs(*files.paths), workers, **of_run))
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
    assert record["member"] == member | {"precision": "float32"}
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


def test_the_schedule_starts_at_the_first_iteration_and_steps_with_each(tmp_path: Path) -> None:
    schedule = {"name": "step", "gamma": 0.5, "every_epochs": 0.5}  # two iterations an epoch, so at each
    files = train_small(tmp_path, small_member(optimizer={"lr": 0.08}, schedule=schedule, epochs=2))
    found = [line["learning_rate"] for line in load_json(files.record)["history"]]
    assert found == pytest.approx([0.04, 0.01])  # at the last iterations: 0.08 · 0.5 and 0.08 · 0.5³
