"""Ways to make diversity: what groups of one kind have in common over their seeds."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from scripts.lib.ensembles.group_quantities import ALL, HELD_OUT, SHIFTED, TRAINING, loss_in_words, penalty
from scripts.lib.statistics.jackknife import interval

SCHEMA: dict[str, Any] = {
    "way": pl.String,
    "loss": pl.String,
    "networks": pl.UInt16,
    "dataset": pl.String,
    "quantity": pl.String,
    "mean": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "seeds": pl.UInt16,
}
KEYS = ["way", "loss", "dataset", "quantity"]


def over_seeds(values: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % interval (Student's t) of one value per seed [S]; no interval for fewer than two seeds."""
    mean = float(values.mean())
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    low, high = interval(np.array([mean]), without_each(values)[:, None])
    return mean, float(low[0]), float(high[0])


def without_each(values: np.ndarray) -> np.ndarray:
    """Means of `values` [S] without each of them [S]: the jackknife of a mean is its usual standard error."""
    return np.asarray((values.sum() - values) / (len(values) - 1))


def ways_table(results: Sequence[pl.DataFrame], records: Sequence[Mapping[str, Any]], clean: str) -> pl.DataFrame:
    """One row per way, loss, validation set and quantity: mean and interval over the seeds.

    `results` are the tables `group_results/{dataset}.parquet`, and `records` those of the trainings. Besides the
    validation sets there is the mean over those other than `clean`, and for each term of a loss (quantity
    `penalty_{term}`) its value on training images and on held-out ones, both without augmentation. Ways of the same
    networks have the same number in `networks`.
    """
    whole = pl.concat(results).filter(samples=ALL).drop("samples")
    shifted = whole.filter(pl.col("dataset") != clean)
    keys = ["group", "way", "loss", "seed", "quantity"]
    means = shifted.group_by(keys, maintain_order=True).agg(pl.col("value").mean(), dataset=pl.lit(SHIFTED))
    parts = [whole, *([means.select(whole.columns)] if len(shifted) else []), _penalties(records, whole)]
    rows = []
    for key, part in pl.concat(parts).group_by(KEYS, maintain_order=True):
        values = part.sort("seed")["value"].to_numpy()
        mean, low, high = over_seeds(values)
        rows.append(dict(zip(KEYS, key, strict=True)) | {"mean": mean, "low": low, "high": high, "seeds": len(values)})
    table = pl.DataFrame(rows, schema={name: kind for name, kind in SCHEMA.items() if name != "networks"})
    return (
        table.join(_networks(records), on=["way", "loss"], how="left", maintain_order="left")
        .select(*SCHEMA)
        .with_columns(pl.selectors.float().fill_nan(None))
    )


def _networks(records: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """A number for the list of architectures of each way, counted from 0."""
    found: dict[str, int] = {}
    numbers = {}
    for record in records:
        group = record["group"]
        key = json.dumps([member["architecture"] for member in group["members"]], sort_keys=True)
        numbers[group["way"], loss_in_words(group["loss"])] = found.setdefault(key, len(found))
    rows = [(way, loss, number) for (way, loss), number in numbers.items()]
    return pl.DataFrame(rows, schema={name: SCHEMA[name] for name in ("way", "loss", "networks")}, orient="row")


def _penalties(records: Sequence[Mapping[str, Any]], like: pl.DataFrame) -> pl.DataFrame:
    rows = [
        {
            "group": record["group"]["id"],
            "way": record["group"]["way"],
            "loss": loss_in_words(record["group"]["loss"]),
            "seed": record["group"]["seed"],
            "dataset": title,
            "quantity": penalty(term),
            "value": value,
        }
        for record in records
        for where, title in (("training", TRAINING), ("held_out", HELD_OUT))
        for term, value in record["penalties"][where].items()
    ]
    return pl.DataFrame(rows, schema=like.schema)
