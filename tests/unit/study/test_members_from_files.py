"""Members from patterns and manifests."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import save_file

from scripts.lib.jobs.errors import StudyError
from scripts.lib.study.members_from_files import expand
from scripts.lib.study.resolve import resolve

SETS = ["clean", "noise"]


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def ids(members: list[dict[str, Any]]) -> list[str]:
    return [member["id"] for member in members]


def test_a_pattern_stands_for_the_files_that_every_set_has(tmp_path: Path) -> None:
    touch(
        *(tmp_path / dataset / f"{name}.csv" for dataset in SETS for name in ("b", "a")), tmp_path / "clean/alone.csv"
    )
    members, found = expand([{"from": f"{tmp_path}/{{dataset}}/*.csv", "values": "logits"}], SETS)
    assert ids(members) == ["a", "b"]
    assert members[0] == {
        "id": "a", "kind": "predictions", "file": f"{tmp_path}/{{dataset}}/a.csv", "values": "logits",
    }  # fmt: skip
    assert [(row["member"], row["reason"]) for row in found] == [
        ("a", ""), (None, "no file for noise"), ("b", ""),
    ]  # fmt: skip


def test_the_whole_section_may_be_one_pattern_and_names_are_unique(tmp_path: Path) -> None:
    touch(tmp_path / "one" / "net.onnx", tmp_path / "two" / "net.onnx", tmp_path / "two" / "notes.txt")
    members, found = expand({"from": f"{tmp_path}/*/*"}, ["clean"])
    assert ids(members) == ["one-net", "two-net"]
    assert {member["kind"] for member in members} == {"onnx"}
    assert [row["reason"] for row in found if row["member"] is None] == [
        "files with the suffix '.txt' cannot be members"
    ]
    _, found = expand([{"from": f"{tmp_path}/two/*", "kind": "onnx"}], ["clean"])
    assert [row["reason"] for row in found if row["member"] is None] == [
        "files with the suffix '.txt' cannot be members of kind onnx"
    ]
    named = [{"id": "net", "recipe": "x"}, {"from": f"{tmp_path}/one/*.onnx"}, {"from": f"{tmp_path}/two/*.onnx"}]
    assert ids(expand(named, ["clean"])[0]) == ["net", "net-2", "net-3"]


def test_weights_say_which_model_they_are_of(tmp_path: Path) -> None:
    state = {"weight": torch.zeros(2)}
    save_file(state, tmp_path / "a.safetensors", metadata={"model": "resnet18"})
    save_file(state, tmp_path / "vit_tiny-seed3.safetensors")
    save_file(state, tmp_path / "z.safetensors")
    (tmp_path / "z.json").write_text('{"model": "resnet34", "image_size": 64}')
    members, _ = expand([{"from": f"{tmp_path}/*.safetensors"}], ["clean"])
    assert [member["model"] for member in members] == ["resnet18", "vit_tiny", "resnet34"]
    assert members[2]["image_size"] == 64


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_manifest_has_a_row_a_member(tmp_path: Path, form: str) -> None:
    touch(tmp_path / "one.npy", tmp_path / "b.onnx")
    rows = {"id": ["1", "2", "gone"], "file": ["one.npy", "b.onnx", "c.npy"], "image_size": [None, 64, None]}
    manifest = pl.DataFrame(rows)
    manifest.write_csv(tmp_path / "zoo.csv") if form == "csv" else manifest.write_parquet(tmp_path / "zoo.parquet")
    members, found = expand([{"from": str(tmp_path / f"zoo.{form}")}], ["clean"])
    assert members == [
        {"kind": "predictions", "id": "1", "file": str(tmp_path / "one.npy")},
        {"kind": "onnx", "id": "2", "file": str(tmp_path / "b.onnx"), "image_size": 64},
    ]
    assert found[2]["reason"] == "no file for clean"


def test_what_finds_nothing_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "notes.txt")
    for source, said in [
        ("*.npy", "stands for no member (no file matches)"),
        ("*.txt", "files with the suffix '.txt' cannot be members"),
        ("gone.csv", "the manifest"),
    ]:
        with pytest.raises(StudyError, match="members/0/from") as refusal:
            expand([{"from": f"{tmp_path}/{source}"}], ["clean"])
        assert said in str(refusal.value)


def zoo_study(folder: Path, **changes: Any) -> dict[str, Any]:
    for name in ("a", "b", "c"):
        np.save(folder / f"{name}.npy", np.eye(3))
    return {
        "name": "zoo",
        "datasets": {"kind": "predictions", "validation": [{"id": "clean", "labels": "labels.npy"}]},
        "members": {"from": f"{folder}/*.npy"},
        **changes,
    }


def test_a_study_knows_what_was_found(tmp_path: Path) -> None:
    study = resolve(zoo_study(tmp_path))
    assert ids(study["members"]) == ["a", "b", "c"]
    assert [row["member"] for row in study["zoo"]] == ["a", "b", "c"]
    assert study["members"][0]["values"] == "auto"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"baseline": "d"}, "baseline: 'd' is not one of a, b, c"),
        ({"members": [{"id": "x", "kind": "predictions", "file": "x.npy", "valuse": "logits"}] * 2}, "valuse"),
        ({"members": [{"id": name, "kind": "onnx", "file": "x.onnx"} for name in "xy"]}, "needs images"),
        ({"datasets": {"kind": "predictions", "validation": [{"id": "clean"}]}}, "labels"),
        (
            {"datasets": {"kind": "predictions", "validation": [{"id": i, "labels": "l.npy"} for i in SETS]}},
            "write {dataset} where their ids belong",
        ),
    ],
)
def test_contradictions_are_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError) as refusal:
        resolve(zoo_study(tmp_path, **changes))
    assert said in str(refusal.value)


def reasons(found: list[dict[str, Any]]) -> dict[str, str]:
    return {row["path"]: row["reason"] for row in found if row["member"] is None}


def odd_things(folder: Path) -> None:
    """A file, and beside it everything that is not a file."""
    touch(folder / "a.npy")
    (folder / "folder.npy").mkdir()
    os.mkfifo(folder / "pipe.npy")
    (folder / "dangling.npy").symlink_to("gone.npy")
    (folder / "loop.npy").symlink_to("loop.npy")
    touch(folder / "{x}.npy", folder / "<x>.npy", Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.npy")))


def test_what_matches_a_pattern_and_is_no_file_is_listed_as_skipped(tmp_path: Path) -> None:
    odd_things(tmp_path)
    members, found = expand([{"from": f"{tmp_path}/*.npy"}], ["clean"])
    assert ids(members) == ["a"]
    assert reasons(found) == {
        f"{tmp_path}/folder.npy": "is a folder, not a file",
        f"{tmp_path}/pipe.npy": "is a pipe, not a file",
        f"{tmp_path}/dangling.npy": "is a link to gone.npy, which does not exist",
        f"{tmp_path}/loop.npy": "is a link that leads back to itself",
        f"{tmp_path}/{{x}}.npy": "has {x} in its path, which Snakemake would replace; rename the file or folder",
        f"{tmp_path}/<x>.npy": "has <x> in its path, which Snakemake would replace; rename the file or folder",
        f"{tmp_path}/caf\\xe9.npy": "has a name that is not UTF-8; rename it",
    }
    study = resolve(zoo_study(tmp_path))
    assert [row["member"] for row in study["zoo"] if row["member"]] == ["a", "b", "c"]
    assert len(reasons(study["zoo"])) == 7


def test_what_a_set_lacks_or_has_as_a_folder_is_said(tmp_path: Path) -> None:
    touch(*(tmp_path / "clean" / f"{name}.npy" for name in "abc"), tmp_path / "noise" / "a.npy")
    (tmp_path / "noise" / "b.npy").mkdir()
    _, found = expand([{"from": f"{tmp_path}/{{dataset}}/*.npy"}], SETS)
    assert reasons(found) == {
        f"{tmp_path}/{{dataset}}/b.npy": f"{tmp_path}/noise/b.npy is a folder, not a file",
        f"{tmp_path}/{{dataset}}/c.npy": "no file for noise",
    }


def test_id_and_kind_beside_a_file_count_more_than_its_name_and_less_than_the_study(tmp_path: Path) -> None:
    """They were passed over: the file's name and suffix had said them already."""
    touch(tmp_path / "a.pt", tmp_path / "b.pt")
    (tmp_path / "a.json").write_text('{"id": "mine", "kind": "torchvision", "model": "resnet18"}')
    members, _ = expand([{"from": f"{tmp_path}/*.pt"}], ["clean"])
    assert [(member["id"], member["kind"]) for member in members] == [("mine", "torchvision"), ("b", "timm")]
    members, _ = expand([{"from": f"{tmp_path}/*.pt", "kind": "timm"}], ["clean"])
    assert [(member["id"], member["kind"]) for member in members] == [("mine", "timm"), ("b", "timm")]
    (tmp_path / "a.json").write_text('{"kind": "auto"}')
    _, found = expand([{"from": f"{tmp_path}/*.pt"}], ["clean"])
    assert reasons(found) == {f"{tmp_path}/a.pt": "files with the suffix '.pt' cannot be members of kind auto"}


def test_what_lies_beside_a_file_that_is_not_a_model_is_not_read(tmp_path: Path) -> None:
    touch(tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "notes.txt")
    (tmp_path / "notes.json").write_text("not JSON")
    members, found = expand([{"from": f"{tmp_path}/*"}], ["clean"])
    assert [member["id"] for member in members] == ["a", "b"]
    assert reasons(found) == {f"{tmp_path}/notes.txt": "files with the suffix '.txt' cannot be members"}


@pytest.mark.parametrize(
    "text", ['{"file": "a.csv"}', '{"id": NaN}', '{"id": ["b"]}', '{"kind": 3}', '{"macs": Infinity}']
)
def test_settings_beside_a_file_cannot_name_another_file_nor_be_no_text(tmp_path: Path, text: str) -> None:
    study = zoo_study(tmp_path)
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(StudyError, match=r"b\.json, the settings beside"):
        resolve(study)


@pytest.mark.parametrize("text", ["{", '{"macs": 1, "macs": 2}', "[" * 50000, "\udcf6", "[1]"])
def test_settings_beside_a_file_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    study = zoo_study(tmp_path)
    (tmp_path / "b.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(StudyError, match=r"b\.json, the settings beside"):
        resolve(study)


@pytest.mark.parametrize("source", [3, None, "", ["a", "b"], {"a": 1}])
def test_a_from_that_is_no_text_is_refused(source: Any) -> None:
    with pytest.raises(StudyError, match=r"members/0/from: .* is not a pattern"):
        expand([{"from": source}], ["clean"])


def test_a_mistyped_kind_of_a_pattern_is_refused_with_the_most_similar_one(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"members/0/kind: 'predicitons' is not .*; did you mean 'predictions'\?"):
        expand([{"from": f"{tmp_path}/*.csv", "kind": "predicitons"}], ["clean"])


@pytest.mark.parametrize("kind", [[1], {"a": 1}, 3])
def test_a_kind_of_a_pattern_that_is_none_is_refused(tmp_path: Path, kind: Any) -> None:
    with pytest.raises(StudyError, match="cannot be members of kind"):
        resolve(zoo_study(tmp_path, members={"from": f"{tmp_path}/*.npy", "kind": kind}))


@pytest.mark.parametrize("file", [{"clean": 3}, {"clean": None}, 3])
def test_a_file_of_a_pattern_that_is_no_path_is_refused(tmp_path: Path, file: Any) -> None:
    with pytest.raises(StudyError, match="no file for clean"):
        resolve(zoo_study(tmp_path, members={"from": f"{tmp_path}/*.npy", "file": file}))
