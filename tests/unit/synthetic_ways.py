"""A table of ways of training, as the report reads it, with known means."""

from typing import Any

import polars as pl

from scripts.lib.ensembles.group_quantities import HELD_OUT, SHIFTED, TRAINING, ensemble_accuracy, penalty
from scripts.lib.statistics.ways import SCHEMA

WAYS = [("architectures", ""), ("independent", ""), ("ncl", "ncl 0.5"), ("ncl", "ncl 2")]


def synthetic_ways(seeds: int = 5, spread: float = 1.0) -> pl.DataFrame:
    """Each way is a point better than the one before, with intervals of `spread`; none for one seed."""
    rows: list[dict[str, Any]] = []
    for place, (way, loss) in enumerate(WAYS):
        of_way = {"way": way, "loss": loss, "networks": int(way == "architectures"), "seeds": seeds}
        for dataset, level in (("clean", 80.0), ("noise", 60.0), (SHIFTED, 60.0)):
            values = {
                "member_accuracy": level + place,
                ensemble_accuracy("average"): level + 5 + place,
                "disagreement": 0.2 + 0.01 * place,
                "attribution_dissimilarity": 0.4 + 0.01 * place,
            }
            rows += [of_way | {"dataset": dataset, "quantity": name, "mean": value} for name, value in values.items()]
        for dataset in (TRAINING, HELD_OUT):
            rows.append(of_way | {"dataset": dataset, "quantity": penalty("ncl"), "mean": -0.1 * place})
    table = pl.DataFrame(rows, schema={name: kind for name, kind in SCHEMA.items() if name not in ("low", "high")})
    half = None if seeds < 2 else spread
    limits = [pl.lit(half).cast(pl.Float64) * sign for sign in (-1, 1)]
    return table.with_columns((pl.col("mean") + limits[0]).alias("low"), (pl.col("mean") + limits[1]).alias("high"))
