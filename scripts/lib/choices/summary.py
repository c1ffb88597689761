"""What `deployment.json` says of choices: everything that is needed to apply one to new predictions."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.choices.names import AVERAGE, BEST
from scripts.lib.ensembles.recommendation import recommended
from scripts.lib.members.costs import COSTS
from scripts.lib.members.stated_outputs import states_outputs
from scripts.lib.reading.class_columns import stated_classes

# The version of the part of deployment.json that `predict` reads.
FORMAT = 1
JUDGED = ("samples", "accuracy", "low", "high", "nll", "brier")
COMPARED = ("over_single", "over_all", "regret", "nll_regret")
RECOMMENDED = ("accuracy", "low", "high")
# The keys that a choice may have.
CHOICE_KEYS = (
    *("way", "consensus", "members", "weights", "temperatures", "metric", "split", "score", "equal_cost_member"),
    *COSTS,
    "held_out",
)


def deployable(
    study: Mapping[str, Any],
    classes: Sequence[str],
    chosen: pl.DataFrame,
    choices: pl.DataFrame | None = None,
    held_out: pl.DataFrame | None = None,
    under_shift: Sequence[pl.DataFrame] = (),
) -> dict[str, Any]:
    """The keys `format`, `members`, `classes`, `files`, `deploy` and `choices` of `deployment.json`.

    `chosen` is `deployment/{dataset}.parquet` of the clean set, from which the recommended ensemble of each consensus
    comes; `choices` and `held_out` are the tables of `choices.tables`, or None in a study that does not average.
    `under_shift` has `held_out/{dataset}.parquet` of all sets, of which a study of one set has none. Class names that
    are in a member's file are read from there.
    `deploy` names the recommendation by the first consensus of the study.
    """
    clean = study["datasets"]["validation"][0]["id"]
    members = [member["id"] for member in study["members"]]
    found = {
        f"recommended-{way}": _recommended(chosen.filter(consensus=way), way, clean, members)
        for way in study["ensembles"]["consensus"]
    }
    for row in (row for table in under_shift for row in table.filter("recommended").to_dicts()):
        found[f"recommended-{row['consensus']}"]["held_out"][row["dataset"]] = {key: row[key] for key in RECOMMENDED}
    if choices is not None and held_out is not None:
        judged = held_out.partition_by("chosen_on", "way", "metric", "consensus", "size", as_dict=True)
        for row in choices.filter(pl.col("chosen_on").is_in(held_out["chosen_on"].unique().implode())).to_dicts():
            key = tuple(row[name] for name in ("chosen_on", "way", "metric", "consensus", "size"))
            found[name_of(row, clean)] = _choice(row, judged[key].to_dicts(), members)
    return {
        "format": FORMAT,
        "members": members,
        "classes": list(classes),
        "files": _files(study["members"]),
        "deploy": next(iter(found)),
        "choices": found,
    }


def _files(members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How the files of members that state something about them are read, by member."""
    return {
        member["id"]: {"values": member["values"], "classes": stated_classes(member["classes"])}
        for member in members
        if states_outputs(member) and (member["values"] != "auto" or member["classes"] is not None)
    }


def name_of(row: Mapping[str, Any], clean: str) -> str:
    """Such as `best-3-nll`, `greedy_weights-accuracy` or `all-nll-calibrated-worst`."""
    parts = [row["way"]]
    parts += [str(row["size"])] if row["way"] == BEST else []
    parts += [row["metric"]]
    parts += [] if row["consensus"] == AVERAGE else [row["consensus"]]
    return "-".join(parts + ([] if row["chosen_on"] == clean else [row["chosen_on"]]))


def _recommended(table: pl.DataFrame, consensus: str, clean: str, members: Sequence[str]) -> dict[str, Any]:
    row = recommended(table)
    names = [members[position] for position in row["members"]]
    return {
        "way": "recommended",
        "consensus": consensus,
        "members": names,
        "weights": [1 / len(names)] * len(names),
        "temperatures": None,
        "metric": "accuracy",
        "split": clean,
        "score": row["selection_accuracy"],
        **{name: row[name] for name in COSTS},
        "held_out": {clean: {name: row[name] for name in RECOMMENDED}},
    }


def _choice(row: Mapping[str, Any], judged: Sequence[Mapping[str, Any]], members: Sequence[str]) -> dict[str, Any]:
    return {
        "way": row["way"],
        "consensus": row["consensus"],
        "members": [members[position] for position in row["members"]],
        "weights": row["weights"],
        "temperatures": row["temperatures"],
        "metric": row["metric"],
        "split": row["chosen_on"],
        "score": row["score"],
        "equal_cost_member": members[row["equal_cost_member"]],
        **{name: row[name] for name in COSTS},
        "held_out": {
            found["dataset"]: {
                name: found[name]
                for name in (*JUDGED, *(f"{key}{end}" for key in COMPARED for end in ("", "_low", "_high")))
            }
            for found in judged
        },
    }
