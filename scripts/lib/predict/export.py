"""A whole ensemble as one ONNX file, whose outputs are compared with those of the workflow before it is kept."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.lib.jobs.errors import StudyError, first_line
from scripts.lib.jobs.storage import whole_file
from scripts.lib.networks.preprocessing import resized, seen
from scripts.lib.predict.combine import combined
from scripts.lib.predict.deployed import Deployed
from scripts.lib.predict.sources import Networks, logits_of

OPSET = 17
MOST_DIFFERENCE = 1e-5
CHECKED_IMAGES = 4


class Ensemble(nn.Module):
    """Probabilities float32 [N, C] of a weighted average, from images float32 [N, 3, S, S] with values from 0 to 1.

    The images are those that a validation set stores: resized and cropped, RGB. Each member crops, resizes and
    normalises them as in the workflow; resizing is linear, so it is written as two matrix products, which every runtime
    has.
    """

    def __init__(self, choice: Deployed, known: Networks) -> None:
        super().__init__()
        self.views = nn.ModuleList([_View(settings, known.size) for settings in known.settings])
        self.networks = nn.ModuleList([network.model for network in known.networks])
        self.weights, self.temperatures = choice.weights, choice.temperatures

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        parts = [
            weight * (network(view(images)).float() / temperature).softmax(1)
            for view, network, weight, temperature in zip(
                self.views, self.networks, self.weights, self.temperatures, strict=True
            )
        ]
        return torch.stack(parts).sum(0)


class _View(nn.Module):
    """What a member sees of a stored image: a crop, at its own size, normalised."""

    rows: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, settings: dict[str, Any], side: int) -> None:
        super().__init__()
        self.part = seen(settings, side)
        cropped, size = self.part.stop - self.part.start, settings["image_size"]
        self.register_buffer("rows", _weights_of_rows(cropped, size))
        self.resizes = cropped != size
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(settings["transforms"][name]).view(1, 3, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = images[:, :, self.part, self.part]
        if self.resizes:
            found = self.rows @ found @ self.rows.T
        return (found - self.mean) / self.std


def _weights_of_rows(before: int, after: int) -> torch.Tensor:
    """The matrix float32 [after, before] that resizes one side: what becomes of pictures with one bright row."""
    rows = torch.eye(before)[:, None, :, None].expand(before, 1, before, before).contiguous()
    return resized(rows, after)[:, 0, :, 0].T.contiguous()


def export_onnx(choice: Deployed, known: Networks, path: str | Path, device: torch.device) -> float:
    """Write the ensemble as ONNX; returns the largest difference of a probability from the workflow's.

    Raises StudyError for a consensus that does not average, for networks that torch cannot export, and for a file whose
    outputs differ by more than 1e-5; then nothing is written.
    """
    if not choice.averages:
        raise StudyError(f"{choice.name} decides by {choice.consensus}: only (weighted) averages can be exported.")
    model = Ensemble(choice, known).to(device).eval()
    with whole_file(path) as part:
        _write(model, known, part, device, choice.name)
        difference = _difference(choice, known, part, device)
        if not difference <= MOST_DIFFERENCE:
            raise StudyError(
                f"{path} was not written: a probability of the exported file differs by {difference:.2g} from the "
                f"workflow's (at most {MOST_DIFFERENCE:g} is allowed)."
            )
    return difference


def _write(model: Ensemble, known: Networks, path: Path, device: torch.device, name: str) -> None:
    example = torch.rand(2, 3, known.size, known.size, device=device)
    with warnings.catch_warnings():
        # The newer exporter needs the package onnxscript, which the workflow does without.
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                model,
                (example,),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=["images"],
                output_names=["probabilities"],
                dynamic_axes={"images": {0: "samples"}, "probabilities": {0: "samples"}},
            )
        except Exception as error:  # noqa: BLE001 - torch raises anything for a network that it cannot export
            raise StudyError(f"torch cannot export {name} ({first_line(error)}).") from None


def _difference(choice: Deployed, known: Networks, path: Path, device: torch.device) -> float:
    """Of probabilities on random pictures, which are not those with which the file was made."""
    import onnxruntime

    pixels = np.random.default_rng(0).integers(0, 256, (CHECKED_IMAGES, known.size, known.size, 3), np.uint8)
    expected, _ = combined(choice, logits_of(known, pixels, device))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    images = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    [found] = session.run(["probabilities"], {"images": images})
    return float(np.abs(found - expected).max())
