"""Files of weights and ONNX models: tensors and outputs that another reader confirms, or a refusal."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from scripts.lib.members.external_weights import read_state
from scripts.lib.members.onnx_files import predict_onnx
from scripts.lib.study.members_from_files import expand
from tests.fuzz import independent
from tests.fuzz.cases import ACCEPTED, INTENTION, REFUSED, Case, Refusal, Target, attempt, intention_of, refused_for
from tests.fuzz.independent import Doubtful
from tests.fuzz.mutations import damaged
from tests.fuzz.tables import Draw

PIXELS = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
STORED = {"image_size": 8, "resize": None}
MEMBER = {
    "id": "m", "values": "logits", "classes": None, "image_size": None, "crop": 1.0, "mean": [0.0, 0.0, 0.0],
    "std": [1.0, 1.0, 1.0],
}  # fmt: skip


def safetensors(tensors: dict[str, np.ndarray], metadata: Any = None, **changes: Any) -> bytes:
    """The bytes of a safetensors file, with `changes` to the entries of its header."""
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    data = b""
    for name, array in tensors.items():
        kind = {"f": "F32", "i": "I64"}[array.dtype.kind]
        header[name] = {
            "dtype": kind,
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + array.nbytes],
        }
        header[name] |= changes
        data += array.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@st.composite
def weight_cases(draw: Draw) -> Case:
    """Tensors as safetensors, at times with a strange header, or as torch.save writes them."""
    random = np.random.default_rng(draw(st.integers(0, 100)))
    prefix = draw(st.sampled_from(["", "module.", "model."]))
    names = [prefix + name for name in ("fc.weight", "fc.bias")]
    tensors = {names[0]: random.normal(size=(3, 2)).astype("f4"), names[1]: np.arange(3)}
    odd = draw(st.integers(0, 2)) == 2
    plain = {"plain": not odd, "prefix": prefix}
    if draw(st.booleans()):
        metadata = draw(st.sampled_from([None, {"model": "resnet18"}, {"architecture": "x"}, {"model": ""}]))
        changes: dict[str, Any] = {}
        if odd:
            metadata = draw(
                st.sampled_from([metadata, {"model": 3}, [], "x", {"model": {"a": 1}}, {"model": "a\x00\n"}])
            )
            changes = draw(st.sampled_from([
                {"dtype": "F64"}, {"dtype": "??"}, {"shape": [2**62, 4]}, {"shape": [-1]}, {"shape": None}, {"more": 1},
                {"data_offsets": [0, 2**62]}, {"data_offsets": [8, 0]}, {"data_offsets": None}, {},
            ]))  # fmt: skip
        content = safetensors(tensors, metadata, **changes)
        return {INTENTION: json.dumps({**plain, "file": "w.safetensors"}).encode(), "w.safetensors": content}
    state: Any = {name: torch.from_numpy(array) for name, array in tensors.items()}
    if odd:
        state = draw(
            st.sampled_from(
                [{}, [1], None, {"a": 1}, {"a": object}, {"state_dict": state, "args": object}, state[names[0]]]
            )
        )
    else:
        state = draw(st.sampled_from([state, {"state_dict": state, "epoch": 3}, {"model": state}]))
    file = io.BytesIO()
    torch.save(state, file)
    return {INTENTION: json.dumps({**plain, "file": "w.pt"}).encode(), "w.pt": file.getvalue()}


def check_weights(folder: Path) -> str:
    """The tensors are those of another reader, and so is the model's name in a zoo."""
    meant = intention_of(folder)
    path = folder / meant["file"]
    entries = [{"from": str(path), "kind": "timm"}]
    named, state = (
        attempt(lambda: expand(entries, ["clean"]), path.name),
        attempt(lambda: read_state(str(path)), path.name),
    )
    if path.suffix == ".pt":
        if isinstance(state, Refusal):
            assert "damaged" in meant or not meant["plain"], f"refused: {state.message}"
            return REFUSED
        assert all(isinstance(name, str) and torch.is_tensor(tensor) for name, tensor in state.items())
        return ACCEPTED
    try:
        tensors, metadata = independent.safetensors(path.read_bytes())
    except Doubtful as doubt:
        return refused_for(doubt, state)
    if not isinstance(named, Refusal):
        model = named[0][0]["model"]
        assert model == str(metadata.get("model") or metadata.get("architecture") or "w")
    if isinstance(state, Refusal):
        assert "damaged" in meant or not meant["plain"], f"refused: {state.message}"
        return REFUSED
    for prefix in ("module.", "_orig_mod.", "model."):
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): array for name, array in tensors.items()}
    assert state.keys() == tensors.keys()
    for name, array in tensors.items():
        np.testing.assert_array_equal(state[name].numpy(), array)
    return ACCEPTED


def onnx_model(shape: list[Any], kind: int, inputs: int, operator: str) -> bytes:
    """A model of a few nodes: the mean of each channel, then a linear classifier."""
    names = [f"images{number}" for number in range(inputs)]
    values = [helper.make_tensor_value_info(name, kind, shape) for name in names]
    weight = numpy_helper.from_array(np.arange(9, dtype=np.float32).reshape(3, 3), "weight")
    nodes = [
        helper.make_node(operator, names[:1], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["scores"]),
    ]
    output = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 3])
    graph = helper.make_graph(nodes if inputs else [], "graph", values, [output], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


@st.composite
def onnx_cases(draw: Draw) -> Case:
    """A small model, at times with inputs that no image has."""
    odd = draw(st.integers(0, 2)) == 2
    shapes: list[list[Any]] = [[None, 3, 8, 8], [2, 3, 8, 8], ["n", 3, "h", "w"], [1, 3, 8, 8]]
    kind, inputs, operator = TensorProto.FLOAT, 1, "GlobalAveragePool"
    if odd:
        shapes = [
            [],
            [3, 8, 8],
            [None, 1, 8, 8],
            [0, 3, 8, 8],
            [None, 3, 0, 0],
            [-1, 3, 8, 8],
            [2**40, 3, 8, 8],
            [None, 3, 2**40, 8],
        ]
        kind = draw(st.sampled_from([TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.UINT8, TensorProto.STRING]))
        inputs = draw(st.sampled_from([0, 1, 1, 2]))
        operator = draw(st.sampled_from(["GlobalAveragePool", "GlobalMaxPool", "Nothing"]))
    content = onnx_model(draw(st.sampled_from(shapes)), kind, inputs, operator)
    return {INTENTION: json.dumps({"plain": not odd}).encode(), "m.onnx": content}


def check_onnx(folder: Path) -> str:
    """The logits of two images are those of ONNX's own reference, which is written in NumPy."""
    meant = intention_of(folder)
    path = folder / "m.onnx"
    result = attempt(
        lambda: predict_onnx(MEMBER, str(path), "clean", PIXELS, ["a", "b"], list("xyz"), STORED, 1), path.name
    )
    if isinstance(result, Refusal):
        assert "damaged" in meant or not meant["plain"], f"refused: {result.message}"
        return REFUSED
    logits, details = result
    assert np.isfinite(logits).all()
    images = (PIXELS / np.float32(255)).transpose(0, 3, 1, 2)
    try:
        model = ReferenceEvaluator(onnx.load(path, load_external_data=False))
        expected = np.concatenate([model.run(None, {model.input_names[0]: image[None]})[0] for image in images])
    except Exception:  # noqa: BLE001 - the reference knows fewer forms than ONNX Runtime
        return ACCEPTED
    if details["image_size"] == 8:
        np.testing.assert_allclose(logits, expected.reshape(2, -1), rtol=1e-3, atol=1e-3)
    return ACCEPTED


TARGETS = [
    Target("weights", weight_cases(), check_weights),
    Target("weights-damaged", damaged(weight_cases()), check_weights),
    Target("onnx", onnx_cases(), check_onnx),
    Target("onnx-damaged", damaged(onnx_cases()), check_onnx),
]
