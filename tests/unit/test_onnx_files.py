"""ONNX files: run as their framework would, refused where they are no image classifiers."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from scripts.lib.errors import StudyError
from scripts.lib.onnx_files import predict_onnx
from scripts.lib.preprocessing import prepare

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
        (tmp_path / "bad.onnx", "is no model that ONNX Runtime can open"),
        (saved(tmp_path / "flat.onnx", ["n", 48], [1]), "its input must be one float32 tensor"),
        (saved(tmp_path / "two.onnx", ["n", 3, "h", "w"], [2, 3], WEIGHTS[:, :2]), "has 2 classes, the study has 3"),
    ]:
        with pytest.raises(StudyError) as refusal:
            predicted(path)
        assert said in str(refusal.value)
        assert path.name in str(refusal.value)
