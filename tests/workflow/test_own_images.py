"""A folder of own images with unusual but valid names and pictures is accepted; a link that leads back is refused."""

from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from scripts.lib.jobs.storage import load_array, load_json, load_lines
from tests.workflow.conftest import TEST_STUDY, on_all_training_images, snakemake

CLASSES = ["$^_{", "US$ or C$", "a\u2028b"]


def write_images(root: Path) -> Path:
    """Grey pictures of 16 bits in classes of brightness, with names that hold all kinds of separators."""
    random = np.random.default_rng(0)
    for level, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for number in range(12):
            values = random.normal(12_000 + 20_000 * level, 2_000, (40, 40)).clip(0, 65535).astype(np.uint16)
            Image.fromarray(values).save(root / name / f"{number:02d}\u2028\x85\x1c $.png")
    return root


def write_study(folder: Path, images: Path) -> Path:
    study = yaml.safe_load(TEST_STUDY.read_text(encoding="utf-8"))
    validation = [{"id": "clean", "folder": str(images)}]
    study["datasets"] = {"kind": "image-folder", "image_size": 32, "validation": validation}
    study["datasets"]["training"] = {"folder": str(images)}
    members = [member for member in study["members"] if member["id"] in ("resnext", "deit")]
    study["members"] = [on_all_training_images(member) | {"epochs": 1} for member in members]
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study), encoding="utf-8")
    return path


def test_odd_names_and_deep_pictures_are_studied_and_a_loop_is_refused(tmp_path: Path) -> None:
    images, figure = write_images(tmp_path / "images"), "results/test/figures/attributions.pdf"
    result = snakemake(tmp_path, figure, study=write_study(tmp_path, images))
    assert result.returncode == 0, result.stdout
    results = tmp_path / "results" / "test"
    assert load_json(results / "classes.json") == CLASSES
    assert load_lines(results / "samples" / "clean.txt") == [
        f"{name}/{number:02d}\u2028\x85\x1c $.png" for name in CLASSES for number in range(12)
    ]
    brightness = load_array(results / "images" / "clean.npy").reshape(3, -1).mean(1)
    np.testing.assert_allclose(brightness, [12_000 / 256, 32_000 / 256, 52_000 / 256], atol=1)
    assert "36 of 36 pictures have 16 bits a value" in result.stdout
    assert (tmp_path / figure).is_file()

    (images / CLASSES[1] / "loop").symlink_to(".")
    refused = snakemake(tmp_path, figure, "--forcerun", "training_images", study=tmp_path / "study.yaml")
    assert refused.returncode != 0
    assert f"{images / CLASSES[1] / 'loop'} leads to the same folder as {images / CLASSES[1]}" in refused.stdout
    assert "Traceback" not in refused.stdout
