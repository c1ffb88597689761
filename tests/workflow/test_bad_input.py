"""What a user may get wrong: the message names it, no traceback is shown, and no finished work is lost."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from scripts.lib.storage import checksums
from tests.workflow.conftest import TEST_STUDY, snakemake

TABLES = ["ensembles/clean.parquet", "predictions/noise/deit.npy", "checkpoints/resnext.safetensors"]


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study that a test may damage."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def altered_study(folder: Path, **changes: object) -> Path:
    study = yaml.safe_load(TEST_STUDY.read_text(encoding="utf-8")) | changes
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    return path


def assert_refused(folder: Path, *said: str, study: Path = TEST_STUDY, targets: tuple[str, ...] = ()) -> None:
    result = snakemake(folder, *targets, study=study)
    assert result.returncode != 0
    for words in said:
        assert words in result.stdout
    assert "Traceback" not in result.stdout


def test_an_unknown_key_stops_before_any_job(tmp_path: Path) -> None:
    study = altered_study(tmp_path, measure=["disagreement"])
    assert_refused(tmp_path, "unknown key 'measure'", "did you mean 'measures'?", study=study)
    assert not (tmp_path / "results").exists()


def test_an_unknown_baseline_is_named_with_the_members(tmp_path: Path) -> None:
    study = altered_study(tmp_path, baseline="resnet")
    assert_refused(tmp_path, "baseline: 'resnet' is not one of resnext, mnasnet", study=study)


def test_predictions_of_another_length_are_refused(copied: Path) -> None:
    path = copied / "results/test/predictions/noise/deit.npy"
    np.save(path, np.load(path)[:-1])
    record = path.with_suffix(".json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"checksums": checksums(predictions=path)}))
    assert_refused(copied, "deit", "noise", "199", "200")
    assert (copied / "results/test/ensembles/clean.parquet").exists()


@pytest.mark.parametrize(
    ("damaged", "rule"),
    [
        ("predictions/noise/deit.npy", "ensembles"),
        ("attributions/noise/deit.npy", "pairwise"),
        ("labels/noise.npy", "ensembles"),
        ("images/noise.npy", "infer"),
        ("checkpoints/deit.safetensors", "infer"),
    ],
)
def test_one_flipped_bit_stops_the_job_that_reads_the_file(copied: Path, damaged: str, rule: str) -> None:
    path = copied / "results/test" / damaged
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    assert_refused(copied, f"{damaged} was damaged or changed", "Delete both and run again", rule)


def test_predictions_of_other_samples_are_refused(copied: Path) -> None:
    path = copied / "results/test/predictions/noise/mnasnet.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"samples": "0" * 64}))
    assert_refused(copied, "mnasnet", "noise", "samples")


def test_logits_that_are_not_numbers_are_refused_by_sample(copied: Path) -> None:
    path = copied / "results/test/predictions/clean/resnet10.npy"
    logits = np.load(path)
    logits[7, 3] = np.nan
    np.save(path, logits)
    sample = (copied / "results/test/samples/clean.txt").read_text().splitlines()[7]
    assert_refused(copied, "resnet10", "clean", sample)


@pytest.fixture
def image_study(tmp_path: Path) -> Path:
    """A study of the user's own images: two classes of noise around different colours."""
    generator = np.random.default_rng(0)
    for split, count in (("training", 40), ("validation", 20)):
        for name, colour in (("blue", (40, 60, 200)), ("red", (200, 60, 40))):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = generator.normal(colour, 40, (40, 48, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.jpg")
    return altered_study(
        tmp_path,
        name="own",
        baseline=None,
        datasets={
            "kind": "image-folder",
            "image_size": 32,
            "training": {"folder": str(tmp_path / "training")},
            "validation": [
                {"id": "clean", "folder": str(tmp_path / "validation")},
                {"id": "snow", "of": "clean", "corruption": "snow", "severity": 1},
            ],
        },
    )


def test_own_images_are_trained_on(image_study: Path, tmp_path: Path) -> None:
    target = "results/own/predictions/snow/resnext.npy"
    result = snakemake(tmp_path, target, study=image_study)
    assert result.returncode == 0, result.stdout
    assert np.load(tmp_path / target).shape == (40, 2)


def test_a_truncated_image_is_named(image_study: Path, tmp_path: Path) -> None:
    broken = tmp_path / "training" / "red" / "7.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    assert_refused(tmp_path, str(broken), study=image_study, targets=("results/own/classes.json",))


def test_a_folder_without_images_is_named(image_study: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "training")
    (tmp_path / "training" / "red").mkdir(parents=True)
    assert_refused(tmp_path, str(tmp_path / "training"), study=image_study, targets=("results/own/classes.json",))


def test_classes_that_differ_between_training_and_validation_are_named(image_study: Path, tmp_path: Path) -> None:
    (tmp_path / "validation" / "red").rename(tmp_path / "validation" / "green")
    assert_refused(tmp_path, "green", "red", study=image_study, targets=("results/own/images/clean.npy",))
