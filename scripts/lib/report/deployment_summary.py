"""What `deployment.json` says, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.ensembles.recommendation import choices, recommended
from scripts.lib.report.labels import consensus_title, in_words, listed, plain, signed


def sentences(
    chosen: Mapping[str, pl.DataFrame], members: Sequence[str], samples: Mapping[str, int], share: float, consensus: str
) -> Iterator[str]:
    """One sentence a dataset: which ensemble was chosen, and how it and the best single member did on the rest."""
    for dataset, table in chosen.items():
        ways = table.filter(consensus=consensus)
        best, [alone] = recommended(ways), choices(ways.filter(size=1), consensus, "size")
        place, single = in_words(dataset), members[alone["members"][0]]
        judged = samples[dataset] - round(share * samples[dataset])
        if best["size"] == 1:
            yield (
                f"On {place} no ensemble did better than {single} alone on the samples to choose on; on the other "
                f"{judged} it has {_with_interval(alone)}."
            )
            continue
        names = listed(members[position] for position in best["members"])
        yield (
            f"On {place}: {names} by {consensus_title(consensus)}, {_with_interval(best)} on the {judged} samples that "
            f"they were not chosen on; {single}, the best single member, has {plain(alone['accuracy'], 1)} % there "
            f"({signed(best['over_best_member'], 1)} points){_cost(best, alone)}."
        )


def _with_interval(row: Mapping[str, Any]) -> str:
    return f"{plain(row['accuracy'], 1)} % (95 % interval {plain(row['low'], 1)} to {plain(row['high'], 1)})"


def _cost(best: Mapping[str, Any], alone: Mapping[str, Any]) -> str:
    if best["macs"] is None or not alone["macs"]:
        return ""
    return f", for {plain(best['macs'] / alone['macs'], 1)} times its operations"
