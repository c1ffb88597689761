"""What the kinds of members say of themselves."""

from pathlib import Path
from typing import Any

import pytest

from scripts.lib.members.spec import MEMBER_KINDS, MemberKind, kind_of


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_the_kinds_have() -> None:
    """In the order of the documentation: whether they are trained here, and whether their network is known."""
    assert [(name, kind.is_trained_here, kind.has_network) for name, kind in MEMBER_KINDS.items()] == [
        ("supervised", True, True),
        ("grouped", True, True),
        ("dino", True, True),
        ("subnet", True, True),
        ("timm", False, True),
        ("torchvision", False, True),
        ("onnx", False, False),
        ("command", False, False),
        ("predictions", False, False),
    ]
    assert [name for name, kind in MEMBER_KINDS.items() if not kind.needs_images] == ["predictions"]
    assert kind_of({"kind": "onnx"}) is MEMBER_KINDS["onnx"]


@pytest.mark.parametrize(
    ("origin", "functions", "key"),
    [("run", {}, "predict"), ("weights", {}, "source"), ("files", {"predict": print}, "predict")],
)
def test_a_kind_without_what_its_origin_needs_is_refused(origin: Any, functions: dict[str, Any], key: str) -> None:
    with pytest.raises(ValueError, match=f"the kind of member 'toy': `{key}` belongs to kinds of origin"):
        MemberKind(name="toy", order=1, meaning="", schema="", origin=origin, **functions)


def test_the_file_with_predictions_is_that_of_the_validation_set() -> None:
    file = MEMBER_KINDS["predictions"].file
    assert file({"file": "./p/{dataset}.npy"}, "noise") == "p/noise.npy"
    assert file({"file": {"clean": "a.npy", "noise": "b.npy"}}, "noise") == "b.npy"


def test_files_of_other_kinds_are_the_same_on_all_validation_sets() -> None:
    assert MEMBER_KINDS["onnx"].file({"file": "./o.onnx"}, "noise") == "o.onnx"
    assert MEMBER_KINDS["supervised"].file({"architecture": {}}, "noise") is None


# Weights: a file, or the name of the library's own.


@pytest.mark.parametrize(
    ("kind", "weights", "file"),
    [
        ("timm", None, None),
        ("torchvision", None, None),
        ("torchvision", "IMAGENET1K_V1", None),
        ("torchvision", "DEFAULT", None),
        ("timm", "w/nosuffix", "w/nosuffix"),
        ("timm", "nosuffix", "nosuffix"),
        ("timm", "IMAGENET1K_V1", "IMAGENET1K_V1"),
        ("torchvision", "w/nosuffix", "w/nosuffix"),
        ("torchvision", "nosuffix", "nosuffix"),
        ("torchvision", "w/IMAGENET1K_V1", "w/IMAGENET1K_V1"),
        ("torchvision", "./w.pth", "w.pth"),
    ],
)
def test_weights_are_a_file_but_for_names_of_torchvisions_own(kind: str, weights: str | None, file: str | None) -> None:
    assert MEMBER_KINDS[kind].file({"kind": kind, "weights": weights}, "clean") == file


def test_an_existing_file_is_meant_even_where_it_is_called_as_torchvisions_weights() -> None:
    Path("IMAGENET1K_V1").write_text("x")
    assert MEMBER_KINDS["torchvision"].file({"weights": "IMAGENET1K_V1"}, "clean") == "IMAGENET1K_V1"
