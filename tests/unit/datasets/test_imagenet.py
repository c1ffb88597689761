"""ImageNet's layouts: classes by WordNet id, never by position; what is missing or damaged is named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from scripts.lib.datasets import imagenet
from scripts.lib.datasets.imagenet_archives import unpack
from scripts.lib.datasets.validation_images import make_validation_set, validation_images
from scripts.lib.inference.predictions import Predictions, load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.checksums import checksums
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.storage import digest_of_lines, load_array, load_json, save_array, save_json, save_lines
from scripts.lib.networks.vision import timm, torchvision
from scripts.lib.study import check_data
from scripts.lib.study.resolve import resolve
from tests import miniature_imagenet as miniature
from tests.unit.conftest import small_member_entry, small_study

CLASSES = miniature.synsets(4)


def entry(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "id": "set",
        "folder": str(folder),
        "images": None,
        "layout": "folders",
        "scoring": "subset",
        "classes_of": None,
    } | changes


DATASETS = {"kind": "imagenet", "folder": None, "image_size": 224, "resize": 256, "classes": None}


def counting(dataset: dict[str, Any]) -> tuple[list[str], list[str | None]]:
    """The class of each image by its new label, and the classes that count."""
    found, scored = validation_images(DATASETS, dataset, 0, CLASSES)
    return [CLASSES[label] for label in found.labels], scored


def test_labels_are_positions_in_timm_s_list(tmp_path: Path) -> None:
    names = imagenet.synsets()
    assert (len(names), names[0], names[281]) == (1000, "n01440764", "n02123045")  # tench, tabby cat
    found = imagenet.read_folders(miniature.write_folders(tmp_path / "val", CLASSES, 2))
    assert found.classes == CLASSES
    assert found.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert found.samples[2] == f"{CLASSES[1]}/picture_0000.JPEG"
    assert found.images[0].size == (256, 256)


def test_a_subset_of_the_classes_is_matched_by_wordnet_id(tmp_path: Path) -> None:
    some = [CLASSES[1], CLASSES[3]]
    classes, scored = counting(entry(miniature.write_folders(tmp_path / "a", some, 2)))
    assert classes == [some[0], some[0], some[1], some[1]]
    assert scored == [None, CLASSES[1], None, CLASSES[3]]


def test_all_classes_compete_where_the_study_says_full(tmp_path: Path) -> None:
    folder = miniature.write_folders(tmp_path / "a", CLASSES[1:2], 1)
    assert counting(entry(folder, scoring="full"))[1] == CLASSES


def test_the_clean_set_can_be_restricted_to_the_classes_of_another(tmp_path: Path) -> None:
    clean = miniature.write_folders(tmp_path / "val", CLASSES, 3)
    other = miniature.write_folders(tmp_path / "r", CLASSES[2:], 1)
    classes, scored = counting(entry(clean, classes_of=str(other)))
    assert classes == [CLASSES[2]] * 3 + [CLASSES[3]] * 3
    assert scored == [None, None, *CLASSES[2:]]


def test_folders_of_v2_are_numbers_and_not_in_alphabetical_order(tmp_path: Path) -> None:
    known = imagenet.synsets()
    labels = {name: known.index(name) for name in CLASSES}
    assert sorted(labels.values()) != [int(text) for text in sorted(map(str, labels.values()))]
    folder = miniature.write_v2(tmp_path / "v2", labels, 2)
    classes, scored = counting(entry(folder, layout="imagenet-v2"))
    assert classes == [name for name in CLASSES for _ in range(2)]
    assert scored == CLASSES


@pytest.fixture(scope="module")
def corrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("c")
    clean = miniature.write_folders(folder / "clean", CLASSES, 6)
    return miniature.write_corrupted(folder / "c", clean, ["noise"], [1, 2, 3, 4, 5])


def test_corruptions_and_severities_of_a_family_are_dealt_evenly(corrupted: Path) -> None:
    found = imagenet.read(entry(corrupted, layout="imagenet-c", corruption="noise"), seed=0)
    names = [sample.split("@")[1] for sample in found.samples]
    assert len({sample.split("@")[0] for sample in found.samples}) == len(found) == 24
    assert max(map(names.count, set(names))) - min(map(names.count, set(names))) <= 1
    assert len(set(names)) == 15
    for sample, path in zip(found.samples, found.images.paths, strict=True):  # type: ignore[attr-defined]
        picture, variant = sample.split("@")
        assert path.endswith(f"{variant.replace('-', '/')}/{picture}")


def test_one_corruption_at_one_severity_is_read_as_it_is(corrupted: Path) -> None:
    dataset = entry(corrupted, layout="imagenet-c", corruption="shot_noise", severity=3)
    assert {sample.split("@")[1] for sample in imagenet.read(dataset, 0).samples} == {"shot_noise-3"}


def test_pictures_of_imagenet_c_are_neither_resized_nor_cut(corrupted: Path, tmp_path: Path) -> None:
    dataset = entry(corrupted, layout="imagenet-c", corruption="shot_noise", severity=3)
    names = ("images", "labels", "samples", "scored", "record")
    files = {name: str(tmp_path / name) for name in names}
    make_validation_set(DATASETS, dataset, 0, CLASSES, **files)
    stored = load_array(files["images"])
    original = Image.open(corrupted / "shot_noise" / "3" / CLASSES[0] / "picture_0000.JPEG")
    assert (stored[0] == np.asarray(original)).all()
    assert load_json(files["scored"]) == CLASSES


def test_an_absent_severity_is_named(corrupted: Path) -> None:
    with pytest.raises(StudyError, match=r"defocus_blur/2 is missing"):
        imagenet.read(entry(corrupted, layout="imagenet-c", corruption="blur", severity=2), 0)


def test_every_family_is_that_of_the_corruptions() -> None:
    assert miniature.CORRUPTIONS.items() <= imagenet.FAMILIES.items()


def test_lists_of_imagenet_a_and_r_are_subsets_of_the_thousand() -> None:
    for name in ("imagenet_a", "imagenet_r"):
        folder = Path(timm.__file__).parent / "data" / "_info"
        subset = (folder / f"{name}_synsets.txt").read_text(encoding="utf-8").split()
        assert len(subset) == 200
        assert set(subset) < set(imagenet.synsets())


# What is refused.


def test_a_folder_that_is_no_class_is_named(tmp_path: Path) -> None:
    miniature.write_folders(tmp_path / "val", CLASSES, 1)
    (tmp_path / "val" / "cats").mkdir()
    with pytest.raises(StudyError, match="1 folders that are not classes of ImageNet; the first is cats"):
        imagenet.read_folders(tmp_path / "val")


def test_a_class_without_pictures_is_named(tmp_path: Path) -> None:
    miniature.write_folders(tmp_path / "val", CLASSES[:2], 1)
    (tmp_path / "val" / CLASSES[2]).mkdir()
    with pytest.raises(StudyError, match=f"{CLASSES[2]} has no picture"):
        imagenet.read_folders(tmp_path / "val")


def test_a_class_that_nobody_was_trained_on_is_named(tmp_path: Path) -> None:
    folder = miniature.write_folders(tmp_path / "val", miniature.synsets(5), 1)
    with pytest.raises(StudyError, match=f"datasets/validation/set: 1 of its 5 .* first is {miniature.synsets(5)[4]}"):
        counting(entry(folder))


def test_missing_classes_are_counted_and_the_first_is_named() -> None:
    with pytest.raises(StudyError, match="has 999 of 1000 class folders; the first missing one is n01440764"):
        imagenet.check_complete(imagenet.synsets()[1:], None, "datasets/training/folder")
    imagenet.check_complete(CLASSES, 4, "datasets/training/folder")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    for layout in ("folders", "imagenet-v2"):
        with pytest.raises(StudyError, match=f"{tmp_path}/no does not exist"):
            imagenet.read(entry(tmp_path / "no", layout=layout), 0)


# Which classes count.


def recorded(folder: Path, logits: np.ndarray, labels: list[int], scored: list[str | None]) -> dict[str, Any]:
    samples = [f"{row}.jpg" for row in range(len(logits))]
    files = {name: str(folder / name) for name in ("a.npy", "a.json", "samples.txt", "classes.json", "labels.npy")}
    save_array(files["a.npy"], logits.astype(np.float32))
    content = {"samples": digest_of_lines(samples), "sample_count": len(samples)}
    save_json(files["a.json"], content | {"checksums": checksums(predictions=files["a.npy"])})
    save_lines(files["samples.txt"], samples)
    save_json(files["classes.json"], scored)
    save_array(files["labels.npy"], np.array(labels))
    of_set = {name: files[file] for name, file in (("labels", "labels.npy"), ("samples", "samples.txt"))}
    save_json(folder / "set.json", {"checksums": checksums(**of_set)})
    return files


def loaded(files: dict[str, Any]) -> Predictions:
    """The predictions of the member `m` in files of `recorded`."""
    record = str(Path(files["a.npy"]).parent / "set.json")
    of_set = files["labels.npy"], files["samples.txt"], record, files["classes.json"]
    return load_predictions(RecordedFiles("a", ["m"], [files["a.json"]], [files["a.npy"]], *of_set))


def test_logits_and_labels_of_a_subset_are_those_of_its_classes(tmp_path: Path) -> None:
    logits = np.array([[9.0, 1.0, 5.0, 2.0], [0.0, 1.0, 2.0, 3.0]])
    files = recorded(tmp_path, logits, [1, 3], [None, "b", None, "d"])
    found = loaded(files)
    assert found.logits[0].tolist() == [[1, 2], [1, 3]]
    assert load_labels(files["labels.npy"], found).tolist() == [0, 1]


def test_a_label_that_does_not_count_is_refused(tmp_path: Path) -> None:
    files = recorded(tmp_path, np.zeros((2, 4)), [1, 2], [None, "b", None, "d"])
    found = loaded(files)
    with pytest.raises(StudyError, match=r"1 labels outside 0 to 1.* for 1\.jpg"):
        load_labels(files["labels.npy"], found)


def test_everything_counts_where_nothing_is_null(tmp_path: Path) -> None:
    files = recorded(tmp_path, np.ones((1, 2)), [1], ["a", "b"])
    found = loaded(files)
    assert isinstance(found.logits[0], np.memmap)
    assert torch.equal(load_labels(files["labels.npy"], found), torch.tensor([1]))


# Archives.


def test_the_original_archives_become_class_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = miniature.write_folders(tmp_path / "train", CLASSES, 2)
    val = miniature.write_folders(tmp_path / "val", CLASSES, 1, seed=1, prefix="val")
    for position, name in enumerate(reversed(CLASSES)):  # the archive's order is not that of the classes
        (val / name / "val_0000.JPEG").rename(val / name / f"val_{position:04d}.JPEG")
    archives = miniature.write_archives(tmp_path / "archives", train, val)
    meta = torchvision.datasets.imagenet.ARCHIVE_META
    checksums = {
        part: (name, torchvision.datasets.utils.calculate_md5(archives / name)) for part, (name, _) in meta.items()
    }
    with pytest.raises(StudyError, match=r"not present in the root|corrupted"):
        unpack(archives, tmp_path / "refused")
    monkeypatch.setattr(torchvision.datasets.imagenet, "ARCHIVE_META", checksums)
    unpack(archives, tmp_path / "unpacked")
    for part, original in (("train", train), ("val", val)):
        found, expected = (imagenet.read_folders(root) for root in (tmp_path / "unpacked" / part, original))
        assert found.labels.tolist() == expected.labels.tolist()
        pairs = zip(found.images, expected.images, strict=True)
        assert all((np.asarray(one) == np.asarray(other)).all() for one, other in pairs)
    assert sorted(path.name for path in (tmp_path / "unpacked").glob("*.tar*")) == []


def test_an_absent_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"ILSVRC2012_\w+\.tar(\.gz)? is missing"):
        unpack(tmp_path, tmp_path / "unpacked")


# Looking before training.


def faults(study: dict[str, Any], full: bool = True) -> dict[str, str]:
    return {title: fault for title, fault in check_data.check(study, full) if fault}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    miniature.write_folders(tmp_path / "train", CLASSES, 3)
    miniature.write_folders(tmp_path / "val", CLASSES, 2, seed=9)
    return tmp_path


def study_of(tree: Path) -> dict[str, Any]:
    validation = [{"id": "clean", "folder": str(tree / "val")}]
    datasets = {"kind": "imagenet", "classes": 4, "training": {"folder": str(tree / "train")}, "validation": validation}
    return resolve(small_study(datasets=datasets, members=[small_member_entry("a"), small_member_entry("b")]))


def test_data_without_fault(tree: Path) -> None:
    lines = [title for title, _ in check_data.check(study_of(tree), full=True)]
    assert faults(study_of(tree)) == {}
    assert lines[0] == "training: 12 images of 4 classes (3 to 3 each), 12 decoded"


def test_a_truncated_picture_is_named_and_the_other_sets_are_checked_too(tree: Path) -> None:
    broken = tree / "train" / CLASSES[2] / "picture_0001.JPEG"
    broken.write_bytes(broken.read_bytes()[:2000])
    (tree / "val" / "cats").mkdir()
    found = faults(study_of(tree))
    assert str(broken) in found["training"]
    assert "cats" in found["clean"]


def test_a_missing_class_folder_is_named(tree: Path) -> None:
    for path in sorted((tree / "train" / CLASSES[0]).iterdir()):
        path.unlink()
    (tree / "train" / CLASSES[0]).rmdir()
    assert "has 3 of 4 class folders" in faults(study_of(tree))["training"]
