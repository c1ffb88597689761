"""The files that a member names, by key."""

from scripts.lib.members.files import lists_of_member, named_by_member

SETS = ["clean", "noise"]


def test_files_are_named_for_every_validation_set_or_once() -> None:
    member = {"kind": "predictions", "file": "p/{dataset}.npy", "samples": "s/{dataset}.txt", "classes": "c.json"}
    assert list(named_by_member(member, SETS)) == [
        ("file", "p/clean.npy"),
        ("file", "p/noise.npy"),
        ("samples", "s/clean.txt"),
        ("samples", "s/noise.txt"),
        ("classes", "c.json"),
    ]
    assert lists_of_member(member, "noise") == ["s/noise.txt", "c.json"]


def test_names_in_the_study_itself_are_not_a_file() -> None:
    member = {"kind": "onnx", "file": "./o.onnx", "classes": ["cat", "dog"]}
    assert list(named_by_member(member, SETS)) == [("file", "o.onnx")]
    assert lists_of_member(member) == []
