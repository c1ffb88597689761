"""Members in ONNX files: run by ONNX Runtime on the CPU, predictions only.

ONNX is used for models of any framework, because a file is a list of known operators and their numbers: it contains no
Python, and no library of further operators is loaded. TorchScript and torch.export files contain pickles or code, and
only few versions of torch can read them.
"""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
import torch

from scripts.lib.jobs.errors import StudyError, first_line, printable
from scripts.lib.jobs.job import progress
from scripts.lib.jobs.storage import digest_of_file
from scripts.lib.networks.cost import TIMED_RUNS
from scripts.lib.networks.preprocessing import prepare, relative_crop
from scripts.lib.reading.class_columns import class_order, stated_classes
from scripts.lib.reading.probabilities import to_logits

BATCH = 100
SCORES = ("tensor(float)", "tensor(double)", "tensor(float16)")


class OnnxModel:
    """An opened file. `image_size` is None if the file takes any; `batch` is the fixed number of images, or None.

    Raises StudyError for a file that is damaged, or does not compute scores from images.
    """

    def __init__(self, path: str, threads: int, where: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
            inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
            self.parameters = count_parameters(path)
            fault = _input_fault(inputs) or _output_fault(outputs)  # raises for names that are not UTF-8
        except Exception as error:  # noqa: BLE001 - ONNX Runtime raises many types of exceptions for bad files
            raise StudyError(
                f"{where}: {path} is not a model that ONNX Runtime can open ({printable(first_line(error))})."
            ) from None
        if fault:
            raise StudyError(f"{where}: {path} {fault}.")
        shape = inputs[0].shape
        self.path, self.where, self.name, self.output = path, where, inputs[0].name, outputs[0].name
        self.remarks = (
            [f"of its {len(outputs)} outputs the first, {printable(self.output)}, is taken"] if len(outputs) > 1 else []
        )
        self.channels_last = _channels_last(shape)
        self.image_size = next((side for side in _sides(shape) if isinstance(side, int)), None)
        self.batch = shape[0] if isinstance(shape[0], int) else None

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """The first output [B, C] for images float32 [B, 3, H, W]; a fixed batch is padded, and the padding removed."""
        count = len(images)
        if self.batch:
            images = np.resize(images, (self.batch, *images.shape[1:]))
        if self.channels_last:
            images = images.transpose(0, 2, 3, 1)
        [found] = self.session.run([self.output], {self.name: np.ascontiguousarray(images)})
        if len(images) > 1 and found.shape[:1] != (len(images),):
            raise StudyError(
                f"{self.where}: its first output ({self.output}) has the shape {list(found.shape)} for {len(images)} "
                "images; expected [images, classes]."
            )
        return found.reshape(len(images), -1)[:count]

    def outputs_of(self, pixels: np.ndarray, member: dict[str, Any], title: str) -> Iterator[np.ndarray]:
        """The outputs for stored images, batch by batch."""
        step = self.batch or BATCH
        for start in progress(range(0, len(pixels), step), title, "batch"):
            yield self(prepare(pixels[start : start + step], member, torch.device("cpu")).contiguous().numpy())

    def latency(self, image_size: int) -> float:
        """Milliseconds per image, the median of several runs after a warm-up run; a fixed batch is run as a whole."""
        image, seconds = np.zeros((1, 3, image_size, image_size), np.float32), []
        for _ in range(TIMED_RUNS + 1):
            start = time.perf_counter()
            self(image)
            seconds.append(time.perf_counter() - start)
        return 1000 * statistics.median(seconds[1:]) / (self.batch or 1)


def _listing(values: Sequence[Any]) -> str:
    return "; ".join(f"{printable(value.name)}: {value.type} {value.shape}" for value in values)


def _channels_last(shape: Sequence[Any]) -> bool:
    return shape[1] != 3


def _sides(shape: Sequence[Any]) -> Sequence[Any]:
    """Height and width: numbers, or names if the file takes any."""
    return shape[1:3] if _channels_last(shape) else shape[2:]


def _input_fault(inputs: Sequence[Any]) -> str:
    """What is wrong with a file's inputs, as the end of a sentence; an empty text if nothing is."""
    needed = "its input must be one float32 tensor [N, 3, H, W] or [N, H, W, 3]"
    if not inputs:
        return f"has no input; {needed}"
    shape = inputs[0].shape
    if len(inputs) > 1 or inputs[0].type != "tensor(float)" or len(shape) != 4 or 3 not in (shape[1], shape[3]):
        return f"takes {_listing(inputs)}; {needed}"
    if 0 in shape:
        return f"takes {_listing(inputs)}, where a dimension is 0; export it with another one"
    sides = {side for side in _sides(shape) if isinstance(side, int)}
    if len(sides) > 1:
        return f"takes images of {' and '.join(map(str, _sides(shape)))} pixels; they must be square"
    return ""


def _output_fault(outputs: Sequence[Any]) -> str:
    """What is wrong with a file's outputs, as the end of a sentence; an empty text if nothing is."""
    needed = "the first output must be a tensor of floating-point scores [N, classes]"
    if not outputs:
        return f"has no output; {needed}"
    return "" if outputs[0].type in SCORES else f"gives {_listing(outputs)}; {needed}"


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

    Raises StudyError for a file that is not such a model.
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
    except StudyError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise StudyError(
            f"{where} cannot be run on images of {size} pixels ({printable(first_line(error))})."
        ) from None
    logits, kind = to_logits(outputs, member["values"], samples, where)
    order, remark = class_order(stated_classes(member["classes"]), classes, outputs.shape[1], where)
    return np.ascontiguousarray(logits[:, order]), {
        "file": path,
        "digest": digest_of_file(path),
        "values": kind,
        "remarks": [*model.remarks, *([remark] if remark else [])],
        **view,
        "parameters": model.parameters,
        "latency_ms": model.latency(size),
        "device": "CPU",
        "seconds": time.perf_counter() - start,
    }


def count_parameters(path: str) -> int:
    """How many numbers the file's floating-point initialisers have; data in other files is not read."""
    import onnx

    floating = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.BFLOAT16)
    graph = onnx.load(path, load_external_data=False).graph
    return sum(int(np.prod(list(tensor.dims))) for tensor in graph.initializer if tensor.data_type in floating)
