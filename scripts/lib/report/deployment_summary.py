"""What `deployment.json` says, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.ensembles.recommendation import choices, recommended
from scripts.lib.report.labels import consensus_title, in_words, listed, plain, signed


def sentences(
    chosen: Mapping[str, pl.DataFrame], members: Sequence[str], samples: Mapping[str, int], share: float, consensus: str
) -> Iterator[str]:
    """One sentence per dataset: the chosen ensemble, its held-out accuracy, and that of the best single member."""
    for dataset, table in chosen.items():
        ways = table.filter(consensus=consensus)
        best, [alone] = recommended(ways), choices(ways.filter(size=1), consensus, "size")
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
            f"member, has {plain(alone['accuracy'], 1)} % there ({_over_best(best)}){_cost(best, alone)}."
        )


def _with_interval(row: Mapping[str, Any]) -> str:
    return f"{plain(row['accuracy'], 1)} % (95 % interval {plain(row['low'], 1)} to {plain(row['high'], 1)})"


def _over_best(row: Mapping[str, Any]) -> str:
    low, high = (signed(row[f"over_best_{end}"], 1) for end in ("low", "high"))
    return f"{signed(row['over_best_member'], 1)} points, 95 % interval {low} to {high}"


def _cost(best: Mapping[str, Any], alone: Mapping[str, Any]) -> str:
    if best["macs"] is None or not alone["macs"]:
        return ""
    return f", for {plain(best['macs'] / alone['macs'], 1)} times its operations"
