"""The search of a trained super-network for sub-networks that are accurate for their number of operations."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import nn

from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.job import log, progress
from scripts.lib.jobs.randomness import derive, seed_everything
from scripts.lib.jobs.storage import digest_of_file, load_json, save_json, save_table
from scripts.lib.networks.pareto import pareto_front
from scripts.lib.supernets.batch_norm import recalibrate
from scripts.lib.supernets.train import Images, accuracy, elastic

SEARCH: dict[str, Any] = {
    "supernet": pl.String,
    "evaluation": pl.UInt32,
    "depth": pl.List(pl.UInt16),
    "width": pl.List(pl.UInt16),
    "accuracy": pl.Float64,
    "macs": pl.Int64,
    "pareto": pl.Boolean,
}


def search_supernet(
    settings: dict[str, Any],
    weights: str,
    training: ImageSet,
    datasets: dict[str, Any],
    device: torch.device,
    table: str,
    resume: str,
) -> None:
    """Search as set in the `search` section of `settings`, and write all distinct sub-networks that were evaluated.

    Each is scored on the images held out of the super-network's training, with batch norm recalibrated for it alone.
    So its score does not depend on earlier ones, and a search that was killed reuses the scores in `resume` and ends
    with the same table. Raises StudyError if NNCF refuses the section or nothing was scored.
    """
    images = Images(training, settings, datasets)
    supernet, batches = elastic(settings, images, len(training.classes), device, weights)
    key = {"settings": settings, "weights": digest_of_file(weights), "datasets": datasets}
    scores: list[dict[str, Any]] = _restored(resume, key)
    known = {str(score["config"]): score["accuracy"] for score in scores}
    bar = progress(None, f"search {settings['id']}", "sub-network", settings["bootstrapNAS"]["search"]["num_evals"])

    def score(model: nn.Module) -> float:
        config = supernet.active()
        bar.update()
        if str(config) not in known:
            recalibrate(model, batches)
            found = {"config": config, "accuracy": accuracy(model, settings, images, device), "macs": supernet.macs()}
            known[str(config)] = found["accuracy"]
            scores.append(found)
            save_json(resume, key | {"scores": scores})
        return known[str(config)]

    seed_everything(derive(settings["seed"], "search"))
    supernet.search(score)
    bar.close()
    if not scores:
        raise StudyError(f"supernets/{settings['id']}/bootstrapNAS/search: no sub-network was scored.")
    found = search_table(settings["id"], scores)
    log.info("search %s: %d sub-networks, %d on the front", settings["id"], len(found), found["pareto"].cast(int).sum())
    save_table(table, found)
    Path(resume).unlink(missing_ok=True)


def _restored(resume: str, key: dict[str, Any]) -> list[dict[str, Any]]:
    """The scores of an earlier, killed search of the same super-network, or none."""
    if not Path(resume).exists():
        return []
    state = load_json(resume)
    return state["scores"] if {name: state.get(name) for name in key} == key else []


def search_table(supernet: str, scores: list[dict[str, Any]]) -> pl.DataFrame:
    """One row per distinct sub-network, in the order of the search, and whether it is on the Pareto front."""
    rows = [
        {
            "supernet": supernet,
            "evaluation": number,
            "depth": score["config"]["depth"],
            "width": list(score["config"]["width"].values()),
            "accuracy": score["accuracy"],
            "macs": score["macs"],
        }
        for number, score in enumerate(scores)
    ]
    front = pareto_front(np.array([s["accuracy"] for s in scores]), np.array([s["macs"] for s in scores]))
    return pl.DataFrame(rows, schema={key: SEARCH[key] for key in SEARCH if key != "pareto"}).with_columns(
        pl.Series("pareto", front, pl.Boolean)
    )
