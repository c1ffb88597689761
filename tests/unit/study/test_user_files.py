"""The files that a study names, before any job."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.lib.jobs.errors import StudyError
from scripts.lib.members.spec import MEMBER_KINDS
from scripts.lib.study.resolve import resolve
from scripts.lib.study.user_files import check_files, check_folders, named_files
from tests.unit.conftest import small_member_entry, small_study


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# All files of a study.


def study_of_all_kinds() -> dict[str, Any]:
    members: list[dict[str, Any]] = [
        {"id": "p", "kind": "predictions", "file": "p/{dataset}.npy", "samples": "p/{dataset}.txt"},
        {"id": "q", "kind": "predictions", "file": {"clean": "q.npy", "noise": "r.npy"}, "classes": "names.json"},
        {"id": "o", "kind": "onnx", "file": "o.onnx", "classes": ["a", "b"]},
        {"id": "t", "kind": "timm", "model": "resnet10t", "weights": "w/t"},
        {"id": "own", "kind": "torchvision", "model": "resnet18", "weights": "IMAGENET1K_V1"},
        {"id": "c", "kind": "command", "command": ["x", "{images}", "{output}"], "classes": "c.txt"},
        small_member_entry("s"),
    ]
    datasets = {
        "kind": "digits",
        "validation": [{"id": "clean"}, {"id": "noise", "of": "clean", "corruption": "noise", "severity": 1}],
    }
    supernet = {
        "id": "n",
        "base": {"weights": "base.safetensors"},
        "batch_size": 2,
        "bootstrapNAS": {
            "training": {
                "algorithm": "progressive_shrinking",
                "schedule": {"list_stage_descriptions": []},
                "elasticity": {"available_elasticity_dims": []},
            }
        },
    }
    return resolve(small_study(members=members, datasets=datasets, supernets=[supernet]))


def test_every_file_that_a_study_names_is_known_by_its_key() -> None:
    assert list(named_files(study_of_all_kinds())) == [
        ("members/0 (p)/file", "p/clean.npy"),
        ("members/0 (p)/file", "p/noise.npy"),
        ("members/0 (p)/samples", "p/clean.txt"),
        ("members/0 (p)/samples", "p/noise.txt"),
        ("members/1 (q)/file", "q.npy"),
        ("members/1 (q)/file", "r.npy"),
        ("members/1 (q)/classes", "names.json"),
        ("members/2 (o)/file", "o.onnx"),
        ("members/3 (t)/weights", "w/t"),
        ("members/5 (c)/classes", "c.txt"),
        ("supernets/0 (n)/base/weights", "base.safetensors"),
    ]


def of_predictions(**member: Any) -> dict[str, Any]:
    for name in ("a", "b"):
        np.save(f"{name}.npy", np.eye(3))
    members = [
        {"id": "a", "kind": "predictions", "file": "a.npy"} | member,
        {"id": "b", "kind": "predictions", "file": "b.npy"},
    ]
    validation = [{"id": "clean", "labels": "labels.csv", "samples": "samples.txt"}]
    return resolve({"name": "p", "datasets": {"kind": "predictions", "validation": validation}, "members": members})


def test_missing_files_are_listed_by_key_and_path_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        check_files(of_predictions(file="gone.npy", samples="ids.txt", classes="names.txt"))
    message = str(caught.value)
    for said in (
        "datasets/validation/0 (clean)/labels: labels.csv does not exist",
        "datasets/validation/0 (clean)/samples: samples.txt does not exist",
        "members/0 (a)/file: gone.npy does not exist",
        "members/0 (a)/samples: ids.txt does not exist",
        "members/0 (a)/classes: names.txt does not exist",
        f"relative to the folder in which snakemake runs, {tmp_path}",
    ):
        assert said in message
    assert "b.npy" not in message


def test_files_that_are_there_pass() -> None:
    for name in ("labels.csv", "samples.txt"):
        Path(name).write_text("x")
    check_files(of_predictions())


def test_of_many_missing_files_the_first_are_listed() -> None:
    members = [{"id": f"m{number}", "kind": "onnx", "file": f"{number}.onnx"} for number in range(40)]
    with pytest.raises(StudyError) as caught:
        check_files(resolve(small_study(members=members)))
    assert str(caught.value).count("does not exist") == 10
    assert "and 30 more" in str(caught.value)


@pytest.mark.parametrize(("path", "said"), [("{x}", "{x}"), ("<x>", "<x>"), ("{dataset", "")])
def test_a_path_with_what_snakemake_would_replace_is_refused_with_what_to_do(path: str, said: str) -> None:
    Path("labels.csv").write_text("x")
    Path("samples.txt").write_text("x")
    Path(path).mkdir()
    np.save(f"{path}/a.npy", np.eye(3))
    study = of_predictions(file=f"{path}/a.npy")
    assert MEMBER_KINDS["predictions"].file(study["members"][0], "clean") == f"{path}/a.npy"
    if not said:
        return check_files(study)
    with pytest.raises(StudyError, match="Snakemake would replace; rename the file or folder") as caught:
        check_files(study)
    assert f"members/0 (a)/file: {path}/a.npy has {said} in its path" in str(caught.value)


def test_weights_that_look_like_a_name_get_a_hint() -> None:
    members = [{"id": "t", "kind": "timm", "model": "resnet10t", "weights": "imagenet"}, small_member_entry("s")]
    with pytest.raises(
        StudyError, match=r"t\)/weights: imagenet does not exist \(without `weights`, the library's own"
    ):
        check_files(resolve(small_study(members=members)))


# The folders.


@pytest.mark.parametrize("folder", ["results", "results/small", "logs", "logs/small"])
@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_a_file_in_the_place_of_results_is_named(folder: str, kind: str, tmp_path: Path) -> None:
    place = Path(folder)
    place.parent.mkdir(exist_ok=True)
    place.write_text("x") if kind == "file" else place.symlink_to("gone")
    with pytest.raises(StudyError, match=f"^{folder} in {tmp_path} is not a folder") as caught:
        check_folders(resolve(small_study()), "/workflow")
    assert "--directory" in str(caught.value)


def test_folders_and_links_to_folders_are_places_for_results() -> None:
    Path("elsewhere/small").mkdir(parents=True)
    Path("results").symlink_to("elsewhere")
    check_folders(resolve(small_study()), "/work flow/a<b")


@pytest.mark.parametrize("folder", ["/a/{x}/b", "/a/<x>", "/a/{b", "/a}", "/<results>"])
def test_a_workflow_in_a_folder_that_snakemake_would_replace_is_refused(folder: str) -> None:
    with pytest.raises(StudyError, match="move the workflow"):
        check_folders(resolve(small_study()), folder)
