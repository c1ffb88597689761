"""What a user may get wrong: the message names it, no traceback is shown, and no finished work is lost."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from scripts.lib.jobs.checksums import checksums
from tests.workflow.conftest import ROOT, TEST_STUDY, environment, on_all_training_images, snakemake


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


def test_a_key_that_is_given_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(f"seed: 1\nseed: 2\n{TEST_STUDY.read_text(encoding='utf-8')}", encoding="utf-8")
    assert_refused(tmp_path, f"{study} is not a valid study file", "seed: is given in line 1 and again", study=study)


def test_a_number_that_is_not_finite_is_refused_by_key(tmp_path: Path) -> None:
    study = altered_study(tmp_path, deployment={"selection_share": float("nan")})
    assert_refused(tmp_path, "deployment/selection_share: nan is not a finite number", study=study)


def test_a_file_in_the_place_of_the_results_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("x")
    assert_refused(tmp_path, f"results in {tmp_path} is not a folder", "--directory")


def test_a_workflow_in_a_folder_that_snakemake_would_replace_is_refused(tmp_path: Path) -> None:
    workflow = tmp_path / "{x}"
    workflow.mkdir()
    shutil.copy(ROOT / "Snakefile", workflow)
    for name in ("rules", "scripts", "schemas", "config", "kernels", "envs", "profiles"):
        (workflow / name).symlink_to(ROOT / name)
    options = ["--snakefile", workflow / "Snakefile", "--directory", tmp_path, "--configfile", TEST_STUDY]
    command = [sys.executable, "-m", "snakemake", *map(str, options), "--cores", "1", "--dry-run"]
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment())
    assert result.returncode != 0
    assert f"the workflow is in '{workflow}'" in result.stdout
    assert "move the workflow" in result.stdout
    assert "Traceback" not in result.stdout


def study_of_files(folder: Path, subfolder: str = "p", **changes: Any) -> Path:
    """Two members on file, an ONNX file and weights, of which only the files of predictions and labels are there."""
    (folder / subfolder).mkdir()
    for name in ("a", "b"):
        np.save(folder / subfolder / f"{name}.npy", np.eye(3))
    np.save(folder / "labels.npy", np.arange(3))
    members = [{"id": name, "kind": "predictions", "file": f"{subfolder}/{name}.npy"} for name in ("a", "b")]
    datasets = {"kind": "predictions", "validation": [{"id": "clean", "labels": "labels.npy"}]}
    study = {"name": "files", "datasets": datasets, "members": members} | changes
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    return path


def test_missing_files_are_listed_by_key_and_path_before_the_graph(tmp_path: Path) -> None:
    study = study_of_files(tmp_path)
    (tmp_path / "p/b.npy").unlink()
    (tmp_path / "labels.npy").unlink()
    said = ("members/1 (b)/file: p/b.npy does not exist", "(clean)/labels: labels.npy does not exist", str(tmp_path))
    assert_refused(tmp_path, *said, study=study)
    result = snakemake(tmp_path, "--dry-run", study=study)
    assert all(words in result.stdout for words in said)
    assert "MissingInputException" not in result.stdout


def test_weights_without_a_suffix_are_a_file(tmp_path: Path) -> None:
    weights = {"kind": "timm", "model": "resnet10t", "image_size": 32}
    members = [{"id": "there", "weights": "w/there"} | weights, {"id": "gone", "weights": "w/gone"} | weights]
    study = altered_study(tmp_path, members=members, overrides={}, baseline=None)
    (tmp_path / "w").mkdir()
    (tmp_path / "w/there").write_bytes(b"no weights")
    assert_refused(tmp_path, "members/1 (gone)/weights: w/gone does not exist", study=study)
    (tmp_path / "w/gone").write_bytes(b"no weights")
    target = "results/test/checkpoints/there.safetensors"
    assert_refused(tmp_path, "the weights w/there are refused", study=study, targets=(target,))


@pytest.mark.parametrize("part", ["{x}", "<x>"])
def test_a_path_that_snakemake_would_replace_is_refused_with_what_to_do(tmp_path: Path, part: str) -> None:
    study = study_of_files(tmp_path, part)
    said = f"members/0 (a)/file: {part}/a.npy has {part} in its path, which Snakemake would replace; rename"
    assert_refused(tmp_path, said, study=study)


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(inner) for key, inner in reversed(value.items())}
    return [reversed_keys(inner) for inner in value] if isinstance(value, list) else value


def test_a_study_with_keys_in_another_order_is_finished_already(copied: Path, tmp_path: Path) -> None:
    path = tmp_path / "reversed.yaml"
    content = reversed_keys(yaml.safe_load(TEST_STUDY.read_text(encoding="utf-8")))
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    assert path.read_text(encoding="utf-8").startswith("statistics:")
    result = snakemake(copied, "--dry-run", study=path)
    assert "Nothing to be done" in result.stdout, result.stdout


def test_what_is_given_beside_the_file_counts_on_top_of_it(copied: Path) -> None:
    result = snakemake(copied, "--dry-run", "--config", "seed=7")
    assert result.returncode == 0
    assert "validation_set" in result.stdout


def test_predictions_of_another_length_are_refused(copied: Path) -> None:
    path = copied / "results/test/predictions/noise/deit.npy"
    np.save(path, np.load(path)[:-1])
    record = path.with_suffix(".json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"checksums": checksums(predictions=path)}))
    assert_refused(copied, "deit", "noise", "199", "200", targets=again(copied, "pairwise/noise/disagreement.parquet"))
    assert (copied / "results/test/ensembles/clean.parquet").exists()


@pytest.mark.parametrize(
    "damaged",
    [
        {
            "predictions/clean/deit.npy": "accuracies/clean.parquet",
            "attributions/noise/deit.npy": "pairwise/noise/attribution_similarity.parquet",
        },
        {"labels/noise.npy": "pairwise/noise/disagreement.parquet"},
        {"images/noise.npy": "inferred/resnext", "checkpoints/deit.safetensors": "inferred/deit"},
    ],
    ids=["recorded", "labels", "inference"],
)
def test_one_flipped_bit_stops_the_job_that_reads_the_file(copied: Path, damaged: dict[str, str]) -> None:
    """One run for several files, where no job needs what another one could not make."""
    for name in damaged:
        path = copied / "results/test" / name
        content = bytearray(path.read_bytes())
        content[-5] ^= 1
        path.write_bytes(content)
    said = []
    for name in damaged:
        remedy = "Delete both"
        if Path(name).parts[0] in ("predictions", "attributions"):
            folders = "results/test/inferred/deit", f"results/test/{Path(name).parent}"
            remedy = "Delete " + " and ".join(f"the folder {folder}" for folder in folders)
        said += [f"{name} was damaged or changed", f"{remedy} and run again"]
    targets = [path for target in damaged.values() for path in again(copied, target)]
    assert_refused(copied, *said, targets=tuple(targets))
    assert not any((copied / target).exists() for target in targets)


def again(folder: Path, target: str) -> tuple[str]:
    """Remove what the test study made, so that Snakemake makes it again; returns its path as a target."""
    path = folder / "results/test" / target
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return (f"results/test/{target}",)


def test_a_damaged_file_is_made_again_by_what_the_message_advises(copied: Path) -> None:
    """Also if all links to it are damaged with it."""
    results = copied / "results/test"
    undamaged = (results / "predictions/noise/deit.npy").read_bytes()
    for path in results.glob("**/predictions.npy"):
        if path.read_bytes() == undamaged:
            path.write_bytes(undamaged[:-1])
    shutil.rmtree(results / "inferred/deit")
    shutil.rmtree(results / "predictions/noise")
    result = snakemake(copied, *again(copied, "pairwise/noise/disagreement.parquet"))
    assert result.returncode == 0, result.stdout
    assert "inferred/deit/clean was computed before" in result.stdout
    assert "inferred/deit/noise was computed before" not in result.stdout
    assert (results / "predictions/noise/deit.npy").read_bytes() == undamaged


def test_a_new_validation_set_does_not_run_members_on_the_others_again(copied: Path) -> None:
    study = yaml.safe_load(TEST_STUDY.read_text(encoding="utf-8"))
    study["datasets"]["validation"].append({"id": "blur", "of": "clean", "corruption": "blur", "severity": 1})
    path = altered_study(copied, **study)
    result = snakemake(copied, "results/test/inferred/deit", study=path)
    assert result.returncode == 0, result.stdout
    for dataset, known in (("clean", True), ("noise", True), ("blur", False)):
        assert (f"inferred/deit/{dataset} was computed before" in result.stdout) == known
        assert (copied / f"results/test/inferred/deit/{dataset}/predictions.npy").exists()


def test_predictions_of_other_samples_are_refused(copied: Path) -> None:
    path = copied / "results/test/predictions/noise/mnasnet.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"samples": "0" * 64}))
    target = again(copied, "pairwise/noise/disagreement.parquet")
    assert_refused(copied, "mnasnet", "noise", "samples", targets=target)


def test_logits_that_are_not_numbers_are_refused_by_sample(copied: Path) -> None:
    path = copied / "results/test/predictions/clean/resnet10.npy"
    logits = np.load(path)
    logits[7, 3] = np.nan
    np.save(path, logits)
    record = path.with_suffix(".json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"checksums": checksums(predictions=path)}))
    sample = (copied / "results/test/samples/clean.txt").read_text().splitlines()[7]
    assert_refused(copied, "resnet10", "clean", sample, targets=again(copied, "pairwise/clean/disagreement.parquet"))


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
    members = yaml.safe_load(TEST_STUDY.read_text(encoding="utf-8"))["members"]
    return altered_study(
        tmp_path,
        name="own",
        baseline=None,
        members=[on_all_training_images(member) for member in members],
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
    target = "results/own/inferred/resnext"
    result = snakemake(tmp_path, target, study=image_study)
    assert result.returncode == 0, result.stdout
    assert np.load(tmp_path / target / "snow" / "predictions.npy").shape == (40, 2)


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
