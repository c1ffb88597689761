"""Apply a choice of deployment.json: `python -m scripts.lib.predict results/STUDY/deployment.json …`."""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log
from scripts.lib.predict.combine import combined
from scripts.lib.predict.deployed import VALUES, Deployed, load_deployed, names_of_choices
from scripts.lib.predict.export import export_onnx
from scripts.lib.predict.outputs import require_outputs, save_predictions
from scripts.lib.predict.sources import from_files, from_images, load_networks
from scripts.lib.reading.read_predictions import READERS

SAMPLE, DECISION = "sample", "predicted"


def predictions_table(choice: Deployed, samples: list[str], values: np.ndarray, decided: np.ndarray) -> pl.DataFrame:
    """One row per sample: its id, the predicted class, and one column per class."""
    names = list(choice.classes)
    if taken := {SAMPLE, DECISION} & set(names):
        raise StudyError(f"a class is called {taken.pop()!r}, as a column of the output is: rename it in the study.")
    columns: dict[str, Any] = {SAMPLE: samples, DECISION: [names[number] for number in decided]}
    return pl.DataFrame(columns | {name: values[:, number] for number, name in enumerate(names)})


def run(arguments: argparse.Namespace) -> None:
    """What the command asks for. Raises StudyError for anything that does not fit."""
    if arguments.list:
        for name in names_of_choices(arguments.deployment):
            choice = load_deployed(arguments.deployment, name)
            print(f"{name}: {choice.consensus} of {', '.join(choice.members)}")
        return
    choice = load_deployed(arguments.deployment, arguments.choice)
    _check(arguments, choice)
    device = torch.device("cpu")
    study = arguments.study or Path(arguments.deployment).parent
    known = load_networks(choice, study, device) if arguments.images or arguments.onnx else None
    if arguments.predictions:
        source = from_files(choice, arguments.predictions, arguments.values)
    elif arguments.images and known:
        source = from_images(known, choice.members, arguments.images, device)
    else:
        source = None
    if source:
        table = predictions_table(choice, source.samples, *combined(choice, source.logits))
        save_predictions(table, arguments.output)
        print(f"{arguments.output}: {len(table)} predictions of {choice.name}, {choice.consensus} of its members")
    if arguments.onnx and known:
        difference = export_onnx(choice, known, arguments.onnx, device)
        print(f"{arguments.onnx}: {choice.name}, within {difference:.1e} of the workflow's probabilities")


def _check(arguments: argparse.Namespace, choice: Deployed) -> None:
    if not (arguments.predictions or arguments.images or arguments.onnx):
        raise StudyError(
            "name what to predict, PREDICTIONS=FOLDER (--predictions) or IMAGES=FOLDER (--images), or a file to export "
            "to, ONNX=FILE.onnx (--onnx)."
        )
    if arguments.predictions and arguments.images:
        raise StudyError("name either PREDICTIONS (--predictions) or IMAGES (--images), not both.")
    if (arguments.predictions or arguments.images) and not arguments.output:
        raise StudyError("name the file to write: OUTPUT=FILE.csv or OUTPUT=FILE.parquet (--output).")
    inputs = {arguments.deployment: "the deployment.json that is read"}
    if folder := arguments.predictions:
        names = (f"{member}{suffix}" for member in choice.files for suffix in READERS)
        inputs |= {folder / name: "a member's file of predictions" for name in names}
    require_outputs(arguments.output, arguments.onnx, inputs)


def parsed(words: list[str] | None = None) -> argparse.Namespace:
    """The arguments of the command."""
    parser = argparse.ArgumentParser(prog="python -m scripts.lib.predict", description=__doc__)
    parser.add_argument("deployment", type=Path, help="deployment.json of a finished study")
    parser.add_argument("--choice", help="its name in the file (default: what the file says to deploy)")
    parser.add_argument("--list", action="store_true", help="list the choices of the file")
    parser.add_argument("--predictions", type=Path, help="a folder with a file of predictions for each member")
    parser.add_argument("--values", choices=VALUES, help="what they hold (default: what deployment.json says)")
    parser.add_argument("--images", type=Path, help="a folder of pictures, for members whose networks are known")
    parser.add_argument("--study", type=Path, help="the results of the study (default: the folder of deployment.json)")
    parser.add_argument("--output", type=Path, help="where predictions go: .csv or .parquet")
    parser.add_argument("--onnx", type=Path, help="write the whole ensemble as an ONNX file")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """Run the command; an error that the user can put right is one line on standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    log.setLevel(logging.INFO)
    try:
        run(parsed(words))
    except (StudyError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
