"""Scores of calibration and temperatures of members, beside torchmetrics and Torch-Uncertainty in a loop over members.

    /tmp/peers/bin/python -m benchmarks.calibration [--members 8 --samples 9990 --classes 10] [--repeats 5]

torchmetrics is among the project's packages. Torch-Uncertainty is not, and its dependencies must not replace torch:

    .venv/bin/python -m venv /tmp/peers
    P=$(.venv/bin/python -c 'import site; print(site.getsitepackages()[0])')
    echo $P > $(/tmp/peers/bin/python -c 'import site; print(site.getsitepackages()[0])')/project.pth
    /tmp/peers/bin/pip install --no-deps torch-uncertainty==0.13.0 lightning pytorch-lightning lightning-utilities \\
        jsonargparse typeshed-client docstring-parser einops seaborn rich markdown-it-py mdurl importlib_resources

Without it, only torchmetrics is compared. Values are compared before anything is timed; docs/measures.md ("Other
libraries") says where conventions differ. `--repeats 0` stops there. Logits are simulated, in float64; no two
confidences are equal, and samples are a multiple of the number of bins. Operations: one per probability.
"""

import argparse
import sys
from importlib.util import find_spec

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from benchmarks import common
from scripts.lib.calibration.outcomes import by_confidence, outcomes, scores
from scripts.lib.calibration.temperature import best_temperature
from scripts.lib.ensembles.scores import BINS
from scripts.lib.networks.vision import torchvision  # noqa: F401  before the peers, whose import of it would fail

INSTALLED = find_spec("torch_uncertainty") is not None
NAMES = ("ece", "ece_equal_mass", "aurc", "nll", "brier")


def simulated(members: int, samples: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits float64 [M, N, C] of overconfident members, and labels int64 [N]."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(classes, (samples,), generator=generator)
    logits = torch.randn((members, samples, classes), generator=generator, dtype=torch.float64)
    return 2.5 * (logits + 1.5 * torch.nn.functional.one_hot(labels, classes)), labels


def ours(logs: torch.Tensor, labels: torch.Tensor) -> list[dict[str, float]]:
    """All scores of all members."""
    return [scores(outcomes(member, labels)) for member in logs]


def error_of_torchmetrics(probabilities: torch.Tensor, labels: torch.Tensor) -> list[float]:
    from torchmetrics.functional.classification import multiclass_calibration_error

    classes = probabilities.shape[2]
    return [float(multiclass_calibration_error(member, labels, classes, BINS)) for member in probabilities]


def scores_of_torch_uncertainty(probabilities: torch.Tensor, labels: torch.Tensor) -> list[dict[str, float]]:
    from torch_uncertainty.metrics import AURC, AdaptiveCalibrationError, BrierScore, CalibrationError, CategoricalNLL

    classes, task = probabilities.shape[2], {"task": "multiclass", "num_classes": probabilities.shape[2]}
    rows = []
    for member in probabilities:
        equal_width, equal_mass = (kind(num_bins=BINS, **task) for kind in (CalibrationError, AdaptiveCalibrationError))
        metrics = (equal_width, equal_mass, AURC(), CategoricalNLL(), BrierScore(num_classes=classes))
        for metric in metrics:
            metric.update(member, labels)
        rows.append({name: float(metric.compute()) for name, metric in zip(NAMES, metrics, strict=True)})
    return rows


def temperatures_of_torch_uncertainty(logs: torch.Tensor, labels: torch.Tensor) -> list[float]:
    """As the library is documented: L-BFGS with its default settings, on all samples at once."""
    from torch_uncertainty.post_processing import TemperatureScaler

    found = []
    for member in logs:
        scaler = TemperatureScaler()
        scaler.fit(DataLoader(TensorDataset(member, labels), batch_size=len(labels)), progress=False)
        found.append(float(scaler.temperature[0].detach()))
    return found


def by_trapezoids(log_probabilities: torch.Tensor, labels: torch.Tensor) -> float:
    """Our AURC by the rule of Torch-Uncertainty: from coverage 1/N to 1, divided by that range."""
    _, correct = by_confidence(outcomes(log_probabilities, labels))
    errors = np.cumsum(1 - correct) / np.arange(1, len(correct) + 1)
    return float(np.trapezoid(errors) / (len(errors) - 1))


def compare_values(logs: torch.Tensor, labels: torch.Tensor) -> None:
    """Stop where a peer's value is another than ours. The peers compute in float32, so six digits are compared."""
    rows, probabilities = ours(logs, labels), logs.exp()
    np.testing.assert_allclose(error_of_torchmetrics(probabilities, labels), [row["ece"] for row in rows], rtol=2e-6)
    if not INSTALLED:
        return
    for row, found, member in zip(rows, scores_of_torch_uncertainty(probabilities, labels), logs, strict=True):
        for name in NAMES:
            expected = by_trapezoids(member, labels) if name == "aurc" else row[name]
            np.testing.assert_allclose(found[name], expected, rtol=2e-6, err_msg=name)
        assert abs(found["aurc"] - row["aurc"]) < 1 / len(labels)
    expected_temperatures = [best_temperature(member, labels) for member in logs]
    np.testing.assert_allclose(temperatures_of_torch_uncertainty(logs, labels), expected_temperatures, rtol=1e-4)


def benchmark(arguments: argparse.Namespace, members: int, samples: int, classes: int) -> None:
    logits, labels = (values.to(arguments.device) for values in simulated(members, samples, classes))
    logs = logits.log_softmax(2)
    probabilities = logs.exp()
    compare_values(logs, labels)
    print(f"{members} members, {samples} samples, {classes} classes: the values agree", flush=True)
    if not arguments.repeats:
        return
    sizes = {"members": members, "samples": samples, "classes": classes}
    peers: dict[str, common.Work] = {
        "ours": lambda: ours(logs, labels),
        "torchmetrics, ECE alone": lambda: error_of_torchmetrics(probabilities, labels),
    }
    if INSTALLED:
        peers["Torch-Uncertainty, five scores"] = lambda: scores_of_torch_uncertainty(probabilities, labels)
    common.compare("calibration_scores", sizes, peers, arguments, logits.numel())
    fits: dict[str, common.Work] = {"ours": lambda: [best_temperature(member, labels) for member in logs]}
    if INSTALLED:
        fits["Torch-Uncertainty, L-BFGS"] = lambda: temperatures_of_torch_uncertainty(logs, labels)
    common.compare("calibration_temperatures", sizes, fits, arguments, logits.numel())


def main() -> None:
    arguments = common.options(__doc__, members=[8, 8, 100], samples=[9990, 49_995, 9990], classes=[10, 100, 10])
    if not INSTALLED:
        print("Torch-Uncertainty is left out: it is not installed (--help says how)", file=sys.stderr)
    for sizes in common.points(arguments, "members", "samples", "classes"):
        benchmark(arguments, *sizes)


if __name__ == "__main__":
    main()
