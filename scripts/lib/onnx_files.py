"""Members in ONNX files: run by ONNX Runtime on the CPU, predictions only.

ONNX is the format for models of any framework here, because a file is a list of known operators and their numbers:
nothing in it is Python and no library of further operators is loaded. TorchScript and torch.export files hold pickles
or code, and are read by few versions of torch.
"""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
import torch

from scripts.lib.class_columns import class_order, stated_classes
from scripts.lib.errors import StudyError
from scripts.lib.job import progress
from scripts.lib.members import TIMED_RUNS
from scripts.lib.prediction_files import to_logits
from scripts.lib.preprocessing import prepare, relative_crop
from scripts.lib.storage import digest_of_file

BATCH = 100


class OnnxModel:
    """An opened file. `image_size` is None where the file takes any; `batch` is the fixed number of images, or None."""

    def __init__(self, path: str, threads: int, where: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - ONNX Runtime has an exception for every way in which a file is wrong
            raise StudyError(f"{where}: {path} is no model that ONNX Runtime can open ({_short(error)}).") from None
        inputs = self.session.get_inputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        if inputs[0].type != "tensor(float)" or len(shape) != 4 or 3 not in (shape[1], shape[3]):
            listing = "; ".join(f"{value.name}: {value.type} {value.shape}" for value in inputs)
            raise StudyError(
                f"{where}: {path} wants {listing}; its input must be one float32 tensor [N, 3, H, W] or [N, H, W, 3]."
            )
        self.path, self.name = path, inputs[0].name
        self.channels_last = shape[1] != 3
        side = shape[1] if self.channels_last else shape[2]
        self.image_size = side if isinstance(side, int) else None
        self.batch = shape[0] if isinstance(shape[0], int) else None

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """The first output [B, C] for images float32 [B, 3, H, W]; a fixed batch is filled up and cut off again."""
        count = len(images)
        if self.batch:
            images = np.resize(images, (self.batch, *images.shape[1:]))
        if self.channels_last:
            images = images.transpose(0, 2, 3, 1)
        found = self.session.run(None, {self.name: np.ascontiguousarray(images)})[0]
        return np.asarray(found).reshape(len(images), -1)[:count]

    def outputs_of(self, pixels: np.ndarray, member: dict[str, Any], title: str) -> Iterator[np.ndarray]:
        """Outputs of one batch of stored images after another."""
        step = self.batch or BATCH
        for start in progress(range(0, len(pixels), step), title, "batch"):
            yield self(prepare(pixels[start : start + step], member, torch.device("cpu")).contiguous().numpy())

    def latency(self, image_size: int) -> float:
        """Milliseconds for one image (or one fixed batch), the median of several runs after one to warm up."""
        image, seconds = np.zeros((1, 3, image_size, image_size), np.float32), []
        for _ in range(TIMED_RUNS + 1):
            start = time.perf_counter()
            self(image)
            seconds.append(time.perf_counter() - start)
        return 1000 * statistics.median(seconds[1:]) / (self.batch or 1)


def predict_onnx(
    member: dict[str, Any],
    path: str,
    dataset: str,
    pixels: np.ndarray,
    samples: Sequence[str],
    classes: Sequence[str],
    stored: Mapping[str, Any],
    threads: int,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Logits float32 [N, C] of stored images uint8 [N, S, S, 3], and what to record.

    Raises StudyError for a file that is no such model.
    """
    where, start = f"members/{member['id']} ({path})", time.perf_counter()
    model = OnnxModel(path, threads, where)
    size = member["image_size"] or model.image_size or stored["image_size"]
    view = {
        "image_size": size,
        "crop": relative_crop(member["crop"] or 1.0, stored),
        "transforms": {key: member[key] for key in ("mean", "std")},
    }
    try:
        outputs = np.concatenate(list(model.outputs_of(pixels, view, f"{member['id']} on {dataset}")))
    except Exception as error:  # noqa: BLE001 - as above
        raise StudyError(f"{where} cannot be run on images of {size} pixels ({_short(error)}).") from None
    logits, kind = to_logits(outputs, member["values"], samples, where)
    order, remark = class_order(stated_classes(member["classes"]), classes, outputs.shape[1], where)
    return np.ascontiguousarray(logits[:, order]), {
        "file": path,
        "digest": digest_of_file(path),
        "values": kind,
        "remarks": [remark] if remark else [],
        **view,
        "parameters": count_parameters(path),
        "latency_ms": model.latency(size),
        "device": "CPU",
        "seconds": time.perf_counter() - start,
    }


def count_parameters(path: str) -> int:
    """Numbers in the file's initialisers of floating point, without reading those that lie in other files."""
    import onnx

    floating = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.BFLOAT16)
    graph = onnx.load(path, load_external_data=False).graph
    return sum(int(np.prod(list(tensor.dims))) for tensor in graph.initializer if tensor.data_type in floating)


def _short(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
