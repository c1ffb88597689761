"""The recommended ensembles, for programs (`deployment.json`) and as sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.members.costs import COSTS
from scripts.lib.report.labels import consensus_title, in_words, listed, plain, signed

KEYS = ("selection_accuracy", "accuracy", "low", "high", "over_best_member", *COSTS)


def summary(
    study: Mapping[str, Any], chosen: Mapping[str, pl.DataFrame], contributions: Mapping[str, pl.DataFrame]
) -> dict[str, Any]:
    """What `deployment.json` holds; accuracies in percent, `over_best_member` in points, latency in milliseconds.

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
                        name: [_ensemble(row, members) for row in _rows(table, consensus, purpose)]
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


def _rows(table: pl.DataFrame, consensus: str, purpose: str) -> list[dict[str, Any]]:
    return table.filter(consensus=consensus, chosen_for=purpose).to_dicts()


def _ensemble(row: Mapping[str, Any], members: Sequence[str]) -> dict[str, Any]:
    return {"members": [members[position] for position in row["members"]], **{key: row[key] for key in KEYS}}


def recommended(table: pl.DataFrame) -> dict[str, Any]:
    """The row with the highest accuracy on the selection split; of equals, the smallest ensemble."""
    best = table.filter(chosen_for="size").sort("selection_accuracy", "size", descending=[True, False])
    return best.row(0, named=True)


def sentences(
    chosen: Mapping[str, pl.DataFrame], members: Sequence[str], samples: Mapping[str, int], share: float, consensus: str
) -> Iterator[str]:
    """One sentence per dataset: the chosen ensemble, its held-out accuracy, and that of the best single member."""
    for dataset, table in chosen.items():
        ways = table.filter(consensus=consensus)
        best, [alone] = recommended(ways), _rows(ways.filter(size=1), consensus, "size")
        place, single = in_words(dataset), members[alone["members"][0]]
        judged = samples[dataset] - round(share * samples[dataset])
        if best["size"] == 1:
            yield (
                f"On {place}, no ensemble was more accurate than {single} alone on the selection split; on the "
                f"{judged} samples of the evaluation split, {single} has {_with_interval(alone)}."
            )
            continue
        names = listed(members[position] for position in best["members"])
        yield (
            f"On {place}, {names} by {consensus_title(consensus)} were chosen on the selection split and have "
            f"{_with_interval(best)} on the {judged} samples of the evaluation split; {single}, the best single "
            f"member, has {plain(alone['accuracy'], 1)} % there ({signed(best['over_best_member'], 1)} points)"
            f"{_cost(best, alone)}."
        )


def _with_interval(row: Mapping[str, Any]) -> str:
    return f"{plain(row['accuracy'], 1)} % (95 % interval {plain(row['low'], 1)} to {plain(row['high'], 1)})"


def _cost(best: Mapping[str, Any], alone: Mapping[str, Any]) -> str:
    if best["macs"] is None or not alone["macs"]:
        return ""
    return f", for {plain(best['macs'] / alone['macs'], 1)} times its operations"
