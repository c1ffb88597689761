"""ONNX files: run as by their framework, and refused if they are not image classifiers."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from scripts.lib.jobs.errors import StudyError
from scripts.lib.members.onnx_files import OnnxModel, predict_onnx
from scripts.lib.networks.preprocessing import prepare

CLASSES = ["cat", "dog", "newt"]
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
SAMPLES = [str(number) for number in range(5)]
WEIGHTS = np.random.default_rng(1).normal(size=(3, 3)).astype(np.float32)
TRANSFORMS = {"mean": [0.4] * 3, "std": [0.2] * 3}
MEMBER = {"id": "m", "values": "logits", "classes": None, "image_size": None, "crop": None, **TRANSFORMS}


def saved(path: Path, shape: list[Any], axes: list[int], weights: np.ndarray = WEIGHTS) -> Path:
    """A model that averages over the pixels and mixes the channels."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["means"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [None, weights.shape[1]])],
        [numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


Value = tuple[str, int, list[Any] | None]
IMAGES: Value = ("images", TensorProto.FLOAT, ["n", 3, "h", "w"])
LOGITS: Value = ("logits", TensorProto.FLOAT, ["n", 3])
MEANS = helper.make_node("ReduceMean", ["images"], ["means"], axes=[2, 3], keepdims=0)
MIXED = helper.make_node("MatMul", ["means", "weights"], ["logits"])


def graph(path: Path, inputs: list[Value], outputs: list[Value], *further: onnx.NodeProto) -> Path:
    """The same model with other inputs, outputs and nodes at its end."""
    nodes = [MEANS, MIXED, *further] if inputs else [helper.make_node("Identity", ["weights"], ["logits"]), *further]
    content = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(WEIGHTS, "weights")],
    )
    onnx.save(helper.make_model(content, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def predicted(path: Path, **member: Any) -> tuple[np.ndarray, dict[str, Any]]:
    stored = {"image_size": 16, "resize": None}
    return predict_onnx(MEMBER | member, str(path), "clean", PIXELS, SAMPLES, CLASSES, stored, 1)


def expected(size: int = 16) -> np.ndarray:
    images = prepare(PIXELS, {"image_size": size, "transforms": TRANSFORMS}, torch.device("cpu")).numpy()
    return images.mean((2, 3)) @ WEIGHTS


@pytest.mark.parametrize("shape", [["n", 3, "h", "w"], [2, 3, 16, 16], ["n", 3, 8, 8]])
def test_logits_are_what_the_model_computes(tmp_path: Path, shape: list[Any]) -> None:
    logits, details = predicted(saved(tmp_path / "m.onnx", shape, [2, 3]))
    size = 8 if shape[2] == 8 else 16
    np.testing.assert_allclose(logits, expected(size), atol=1e-5)
    assert details["image_size"] == size
    assert details["parameters"] == 9
    assert details["latency_ms"] > 0


def test_channels_may_come_last_and_classes_be_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", ["n", 16, 16, 3], [1, 2])
    np.testing.assert_allclose(predicted(path)[0], expected(), atol=1e-5)
    logits, details = predicted(path, classes=["newt", "cat", "dog"])
    np.testing.assert_allclose(logits, expected()[:, [1, 2, 0]], atol=1e-5)
    assert details["remarks"] == ["classes in another order: realigned by name"]


def test_what_is_no_classifier_of_these_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"\x80\x04 a pickle")
    for path, said in [
        (tmp_path / "bad.onnx", "is not a model that ONNX Runtime can open"),
        (saved(tmp_path / "flat.onnx", ["n", 48], [1]), "its input must be one float32 tensor"),
        (
            saved(tmp_path / "two.onnx", ["n", 3, "h", "w"], [2, 3], WEIGHTS[:, :2]),
            "has 2 classes, but the study has 3",
        ),
    ]:
        with pytest.raises(StudyError) as refusal:
            predicted(path)
        assert said in str(refusal.value)
        assert path.name in str(refusal.value)


def node(kind: str, source: str, target: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, [source], [target], **attributes)


LABELS: Value = ("labels", TensorProto.INT64, ["n"])
REFUSED: dict[str, tuple[list[Value], list[Value], list[onnx.NodeProto], str]] = {
    "no input": ([], [LOGITS], [], "has no input"),
    "two inputs": ([IMAGES, ("more", TensorProto.FLOAT, [1])], [LOGITS], [], r"takes images: .*; more: .*must be one"),
    "no output": ([IMAGES], [], [], "has no output"),
    "no images at once": ([("images", TensorProto.FLOAT, [0, 3, 16, 16])], [LOGITS], [], "dimension is 0"),
    "no pixels": ([("images", TensorProto.FLOAT, ["n", 3, 0, 0])], [LOGITS], [], "dimension is 0"),
    "no square": ([("images", TensorProto.FLOAT, ["n", 3, 16, 24])], [LOGITS], [], "16 and 24 pixels"),
    "unknown rank": ([("images", TensorProto.FLOAT, None)], [LOGITS], [], "must be one float32 tensor"),
    "labels": ([IMAGES], [LABELS], [node("ArgMax", "logits", "labels", axis=1, keepdims=0)], "gives labels: .*int64"),
    "labels first": (
        [IMAGES], [LABELS, LOGITS], [node("ArgMax", "logits", "labels", axis=1, keepdims=0)],
        "gives labels: .*; logits: .* the first output must be",
    ),
    "a list": ([IMAGES], [], [node("SequenceConstruct", "logits", "list")], "gives list: seq"),
    "one number": ([IMAGES], [("mean", TensorProto.FLOAT, None)], [node("ReduceMean", "logits", "mean", keepdims=0)],
                   r"\(mean\) has the shape \[\] for 5 images"),
    "classes first": ([IMAGES], [("turned", TensorProto.FLOAT, [3, "n"])], [node("Transpose", "logits", "turned")],
                      r"\(turned\) has the shape \[3, 5\] for 5 images"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_inputs_and_outputs_that_are_no_images_and_scores_are_named(case: str, tmp_path: Path) -> None:
    inputs, outputs, further, said = REFUSED[case]
    path = graph(tmp_path / "m.onnx", inputs, outputs, *further)
    if case == "a list":
        model = onnx.load(path)
        model.graph.output.append(helper.make_tensor_sequence_value_info("list", TensorProto.FLOAT, None))
        onnx.save(model, path)
    with pytest.raises(StudyError, match=said) as refusal:
        predicted(path)
    assert "members/m" in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_the_first_of_several_outputs_is_taken_and_said(tmp_path: Path) -> None:
    means: Value = ("means", TensorProto.FLOAT, ["n", 3])
    logits, details = predicted(graph(tmp_path / "m.onnx", [IMAGES], [LOGITS, means]))
    np.testing.assert_allclose(logits, expected(), atol=1e-5)
    assert details["remarks"] == ["of its 2 outputs the first, logits, is taken"]
    assert predicted(graph(tmp_path / "one.onnx", [IMAGES], [LOGITS]))[1]["remarks"] == []


@pytest.mark.parametrize("kind", [TensorProto.DOUBLE, TensorProto.FLOAT16])
def test_scores_may_have_other_precisions(kind: int, tmp_path: Path) -> None:
    path = graph(tmp_path / "m.onnx", [IMAGES], [("cast", kind, ["n", 3])], node("Cast", "logits", "cast", to=kind))
    np.testing.assert_allclose(predicted(path)[0], expected(), atol=2e-3)


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", ["n", 3, "height", "width"], [2, 3])
    path.write_bytes(path.read_bytes().replace(b"height", b"h\xffight"))
    with pytest.raises(StudyError, match=r"m\.onnx is not a model that ONNX Runtime can open"):
        OnnxModel(str(path), 1, "members/m")


@pytest.mark.parametrize("length", [0, 0.3, 0.6, 0.98])
def test_a_truncated_file_is_refused(length: float, tmp_path: Path) -> None:
    path = saved(tmp_path / "m.onnx", ["n", 3, "h", "w"], [2, 3])
    content = path.read_bytes()
    path.write_bytes(content[: int(length * len(content))])
    with pytest.raises(StudyError, match=r"m\.onnx"):
        predicted(path)


def test_a_damaged_file_is_run_or_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """200 files with changed bytes; nothing but a StudyError comes out, in one line."""
    path = saved(tmp_path / "m.onnx", ["n", 3, "h", "w"], [2, 3])
    original, draw, messages = path.read_bytes(), random.Random(1), []
    for _ in range(200):
        content = bytearray(original)
        for _ in range(draw.choice([1, 1, 1, 4])):
            content[draw.randrange(len(content))] = draw.randrange(256)
        path.write_bytes(content)
        try:
            assert predicted(path)[0].shape == (5, 3)
        except StudyError as error:
            messages.append(str(error))
    assert 50 < len(messages) < 200
    assert all(str(path) in message and message.isprintable() for message in messages)
    assert "EP Error" not in capfd.readouterr().out
