"""Images become RGB, are cut as torchvision cuts them, and bad folders and files are named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scripts.lib.datasets import images as datasets
from scripts.lib.datasets.images import ArrayImages, ImageFiles
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import checksums, load_json, load_lines, save_array, save_json, save_lines
from scripts.lib.networks.vision import torchvision
from tests.unit.conftest import coloured_training_set


def random_picture(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def write_folder(folder: Path, counts: dict[str, int]) -> Path:
    """An image folder with so many PNG files a class; every image has one colour of its own."""
    for label, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.new("RGB", (40, 36), (label * 50, number * 10, 200)).save(folder / name / f"{number}.png")
    return folder


def settings(kind: str = "digits", **changes: Any) -> dict[str, Any]:
    return {"kind": kind, "folder": None, "image_size": 32, "resize": None, "training": {"folder": None}} | changes


def validation_entry(**changes: Any) -> dict[str, Any]:
    return {"id": "clean", "folder": None, "images": None, "layout": "folders"} | changes


def paths(folder: Path) -> dict[str, str]:
    names = {"images": "images.npy", "labels": "labels.npy", "samples": "samples.txt", "record": "record.json"}
    return {key: str(folder / name) for key, name in names.items()}


def write_record(files: dict[str, str]) -> None:
    """What a job that wrote these files says of them."""
    kinds = ("images", "labels", "samples")
    save_json(files["record"], {"checksums": checksums(**{kind: files[kind] for kind in kinds})})


# One picture.


def test_grey_pixels_become_three_equal_channels() -> None:
    grey = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    picture = ArrayImages(grey)[0]
    assert picture.mode == "RGB"
    assert (np.asarray(picture) == grey[0][:, :, None]).all()


def test_coloured_pixels_stay_as_they_are() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    images = ArrayImages(pixels)
    assert len(images) == 2
    assert (np.asarray(images[1]) == pixels[1]).all()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK", "LA"])
def test_every_kind_of_file_becomes_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new("RGB", (6, 5), (255, 255, 255)).convert(mode).save(path)
    picture = ImageFiles([str(path)])[0]
    assert picture.mode == "RGB"
    assert picture.size == (6, 5)
    assert (np.asarray(picture) >= 254).all()


def truncated_jpeg(path: Path) -> None:
    random_picture(64, 64).save(path)
    path.write_bytes(path.read_bytes()[:700])


def text(path: Path) -> None:
    path.write_text("this is no picture")


@pytest.mark.parametrize("damage", [truncated_jpeg, text, Path.touch])
def test_a_file_that_is_no_picture_is_named(damage: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.jpg"
    damage(path)
    with pytest.raises(StudyError, match=f"the image {path} cannot be decoded"):
        ImageFiles([str(path)])[0]


def test_a_picture_too_large_to_be_honest_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (50, 50)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(StudyError, match=r"bomb\.png cannot be decoded"):
        ImageFiles([str(tmp_path / "bomb.png")])[0]


# The view of every validation image.


@pytest.mark.parametrize("size", [(90, 50), (50, 90), (64, 64), (20, 13), (33, 32), (301, 32), (65, 64)])
@pytest.mark.parametrize(("resize", "crop"), [(48, 32), (32, 32)])
def test_the_centre_is_that_of_torchvision(size: tuple[int, int], resize: int, crop: int) -> None:
    picture = random_picture(*size)
    transforms = torchvision.transforms
    expected = transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(crop)])(picture)
    found = datasets.centre(picture, resize, crop)
    assert found.shape == (crop, crop, 3)
    assert found.dtype == np.uint8
    assert (found == np.asarray(expected)).all()


# A subset.


def test_a_subset_is_a_function_of_its_seed_and_keeps_the_order() -> None:
    images = coloured_training_set(30)
    chosen, rows = images.subset(12, 5, "here")
    again, _ = images.subset(12, 5, "here")
    other, _ = images.subset(12, 6, "here")
    assert len(chosen) == 12
    assert (np.diff(rows) > 0).all()
    assert chosen.samples == again.samples != other.samples
    assert chosen.samples == [f"training/{row}" for row in rows]
    assert (chosen.labels == images.labels[rows]).all()
    for place, row in enumerate(rows):
        assert (np.asarray(chosen.images[place]) == np.asarray(images.images[row])).all()


def test_a_subset_without_a_count_is_everything() -> None:
    chosen, rows = coloured_training_set(7).subset(None, 0, "here")
    assert len(chosen) == 7
    assert rows.tolist() == list(range(7))


def test_a_subset_of_more_than_there_is_names_the_key() -> None:
    with pytest.raises(StudyError, match="members/a/training_images: 8 images are wanted, but there are only 7"):
        coloured_training_set(7).subset(8, 0, "members/a/training_images")


# Kinds of datasets.


def test_digits_are_split_without_overlap() -> None:
    training = datasets.KINDS["digits"](None, True)
    validation = datasets.KINDS["digits"](None, False)
    assert len(training) + len(validation) == 1797
    assert not set(training.samples) & set(validation.samples)
    for part in (training, validation):
        assert part.classes == list("0123456789")
        assert np.bincount(part.labels).min() > len(part) / 15
        assert max(np.asarray(image).max() for image in part.images) == 255


def test_an_image_folder_is_read_in_alphabetical_order(tmp_path: Path) -> None:
    found = datasets.KINDS["image-folder"](str(write_folder(tmp_path, {"b": 2, "a": 1})), True)
    assert found.classes == ["a", "b"]
    assert found.samples == ["a/0.png", "b/0.png", "b/1.png"]
    assert found.labels.tolist() == [0, 1, 1]
    assert found.labels.dtype == np.int64
    assert found.images[2].getpixel((0, 0)) == (0, 10, 200)


def test_files_that_are_no_images_by_name_are_left_out(tmp_path: Path) -> None:
    write_folder(tmp_path, {"a": 1, "b": 1})
    (tmp_path / "a" / "notes.txt").write_text("about these images")
    assert datasets.KINDS["image-folder"](str(tmp_path), True).samples == ["a/0.png", "b/0.png"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=f"the dataset folder {tmp_path / 'absent'} does not exist"):
        datasets.KINDS["image-folder"](str(tmp_path / "absent"), True)


@pytest.mark.parametrize("empty", ["no folders", "one class without images"])
def test_a_folder_without_images_is_named(empty: str, tmp_path: Path) -> None:
    if empty == "one class without images":
        write_folder(tmp_path, {"a": 1, "empty": 0})
    with pytest.raises(StudyError, match=f"the dataset folder {tmp_path} has no images, or a class without any"):
        datasets.KINDS["image-folder"](str(tmp_path), True)


# Training images.


def index_of(folder: Path) -> dict[str, str]:
    return {key: str(folder / f"{key}.out") for key in ("labels", "samples", "classes", "record")}


def test_checked_training_images_leave_an_index(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "training", {"a": 2, "b": 1})
    files = index_of(tmp_path)
    datasets.check_training_images(settings("image-folder", training={"folder": str(root)}), ["as it was"], **files)
    assert np.load(files["labels"]).tolist() == [0, 0, 1]
    assert load_lines(files["samples"]) == ["a/0.png", "a/1.png", "b/0.png"]
    assert load_json(files["classes"]) == ["a", "b"]
    assert load_json(files["record"])["pictures"] == ["as it was"]


def test_a_damaged_training_image_stops_the_check(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "training", {"a": 2, "b": 1})
    truncated_jpeg(root / "b" / "bad.jpg")
    files = index_of(tmp_path)
    with pytest.raises(StudyError, match=str(root / "b" / "bad.jpg")):
        datasets.check_training_images(settings("image-folder", training={"folder": str(root)}), ["as it was"], **files)
    assert not Path(files["classes"]).exists()


def index_with(folder: Path, samples: list[str]) -> tuple[str, str]:
    path, record = str(folder / "samples.txt"), str(folder / "samples.json")
    save_lines(path, samples)
    save_json(record, {"checksums": checksums(samples=path)})
    return path, record


def test_training_images_that_changed_since_the_check_are_refused(tmp_path: Path) -> None:
    found = coloured_training_set(3)
    datasets.check_samples(found, *index_with(tmp_path, ["training/0", "training/1", "training/2"]))
    with pytest.raises(StudyError, match=r"changed since they were checked \(2 then, 3 now\)"):
        datasets.check_samples(found, *index_with(tmp_path, ["training/0", "training/1"]))
    with pytest.raises(StudyError, match="changed"):
        datasets.check_samples(found, *index_with(tmp_path, ["training/0", "training/2", "training/1"]))


# Validation sets.


def test_a_validation_set_is_stored_as_every_member_sees_it(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "validation", {"a": 3, "b": 2})
    files = paths(tmp_path)
    entry = validation_entry(folder=str(root))
    datasets.make_validation_set(
        settings("image-folder", resize=36), entry, 0, ["a", "b"], **files, scored=str(tmp_path / "scored.json")
    )
    stored = datasets.load_validation_set(**files)
    assert stored.images.shape == (5, 32, 32, 3)
    assert stored.images.dtype == np.uint8
    assert stored.labels.tolist() == [0, 0, 0, 1, 1]
    assert stored.samples[:2] == ["a/0.png", "a/1.png"]
    assert stored.images[4, 16, 16].tolist() == [50, 10, 200]


def test_a_part_of_a_validation_set_depends_on_the_seed_of_the_study_only(tmp_path: Path) -> None:
    stored = []
    for run, seed in enumerate([1, 1, 2]):
        files = paths(tmp_path / str(run))
        datasets.make_validation_set(
            settings(),
            validation_entry(images=20),
            seed,
            list("0123456789"),
            **files,
            scored=str(tmp_path / "scored.json"),
        )
        stored.append(datasets.load_validation_set(**files))
    first, again, other = stored
    assert len(first.samples) == 20
    assert first.digest == again.digest != other.digest
    assert (first.images == again.images).all()
    everything = datasets.KINDS["digits"](None, False)
    labels = dict(zip(everything.samples, everything.labels, strict=True))
    assert first.labels.tolist() == [labels[sample] for sample in first.samples]


def test_more_validation_images_than_there_are_names_the_key(tmp_path: Path) -> None:
    entry = validation_entry(images=10_000)
    with pytest.raises(StudyError, match="datasets/validation/clean: 10000 images are wanted, but there are only 599"):
        datasets.make_validation_set(
            settings(), entry, 0, list("0123456789"), **paths(tmp_path), scored=str(tmp_path / "scored.json")
        )


def test_other_classes_than_in_training_are_told_apart(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "validation", {"cat": 1, "dog": 1, "cow": 1})
    entry = validation_entry(folder=str(root))
    with pytest.raises(StudyError) as caught:
        datasets.make_validation_set(
            settings("image-folder"),
            entry,
            0,
            ["cat", "dog", "eel", "fox"],
            **paths(tmp_path),
            scored=str(tmp_path / "scored.json"),
        )
    message = str(caught.value)
    assert f"datasets/validation/clean ({root}) has 3 classes, the training images have 4" in message
    assert "Missing: eel, fox; not in training: cow" in message
    assert not Path(paths(tmp_path)["images"]).exists()


@pytest.mark.parametrize("shorter", ["images", "labels", "samples"])
def test_files_that_do_not_belong_together_are_refused(shorter: str, tmp_path: Path) -> None:
    files = paths(tmp_path)
    counts = dict.fromkeys(files, 4) | {shorter: 3}
    save_array(files["images"], np.zeros((counts["images"], 32, 32, 3), np.uint8))
    save_array(files["labels"], np.zeros(counts["labels"], np.int64))
    save_lines(files["samples"], map(str, range(counts["samples"])))
    write_record(files)
    with pytest.raises(StudyError) as caught:
        datasets.load_validation_set(**files)
    assert f"{files[shorter]}: 3" in str(caught.value)


def test_a_missing_validation_file_is_named(tmp_path: Path) -> None:
    files = paths(tmp_path)
    save_array(files["images"], np.zeros((1, 32, 32, 3), np.uint8))
    save_array(files["labels"], np.zeros(1, np.int64))
    save_lines(files["samples"], ["0"])
    write_record(files)
    Path(files["labels"]).unlink()
    with pytest.raises(StudyError, match=f"{files['labels']} is missing"):
        datasets.load_validation_set(**files)
