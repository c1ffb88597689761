"""The recommended ensemble, and all choices for programs (`deployment.json`)."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.members.costs import COSTS

COMPARED = ("over_best_member", "over_best_low", "over_best_high")
KEYS = ("selection_accuracy", "accuracy", "low", "high", *COMPARED, *COSTS)


def summary(
    study: Mapping[str, Any], chosen: Mapping[str, pl.DataFrame], contributions: Mapping[str, pl.DataFrame]
) -> dict[str, Any]:
    """What `deployment.json` holds; accuracies in percent, `over_best_*` in points, latency in milliseconds.

    `chosen` and `contributions` are the tables of each dataset.
    """
    members = [member["id"] for member in study["members"]]
    return {
        "study": study["name"],
        "selection_share": study["deployment"]["selection_share"],
        "seed": study["seed"],
        "datasets": {
            dataset: {
                consensus: {
                    "recommended": _ensemble(recommended(table.filter(consensus=consensus)), members),
                    **{
                        name: [_ensemble(row, members) for row in choices(table, consensus, purpose)]
                        for name, purpose in (("best_of_each_size", "size"), ("accuracy_for_cost", "cost"))
                    },
                    "contributions": contributions[dataset]
                    .filter(consensus=consensus)
                    .select("member", "leave_one_out", "shapley")
                    .to_dicts(),
                }
                for consensus in study["ensembles"]["consensus"]
            }
            for dataset, table in chosen.items()
        },
    }


def choices(table: pl.DataFrame, consensus: str, purpose: str) -> list[dict[str, Any]]:
    return table.filter(consensus=consensus, chosen_for=purpose).to_dicts()


def _ensemble(row: Mapping[str, Any], members: Sequence[str]) -> dict[str, Any]:
    return {"members": [members[position] for position in row["members"]], **{key: row[key] for key in KEYS}}


def recommended(table: pl.DataFrame) -> dict[str, Any]:
    """The row with the highest accuracy on the selection split; of equals, the smallest ensemble."""
    best = table.filter(chosen_for="size").sort("selection_accuracy", "size", descending=[True, False])
    return best.row(0, named=True)
