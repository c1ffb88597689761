"""What a study found about shift, in plain sentences. Every statement in them follows from the tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.report.findings_diversity import Row, is_shown
from scripts.lib.report.labels import (
    WHAT_REGRET_IS,
    consensus_title,
    in_words,
    listed,
    missing,
    plain,
    quantity,
    signed,
)
from scripts.lib.report.predictors import on_predictors
from scripts.lib.report.shift import ShiftTables


def on_shift(shift: ShiftTables, members: Sequence[str], consensus: str) -> list[str]:
    """Sentences on a choice on the clean set, on robustness beyond accuracy, and on diversity of clean images."""
    return [
        *_on_choice(shift, members, consensus),
        *_on_robustness(shift, consensus),
        *_on_effects(shift.effects.filter(consensus=consensus, outcome="accuracy"), in_words(shift.clean)),
        *on_predictors(shift.predictors.filter(consensus=consensus), shift.clean),
    ]


def _on_choice(shift: ShiftTables, members: Sequence[str], consensus: str) -> list[str]:
    rows, clean = shift.recommended(consensus), shift.clean
    names = listed(members[position] for position in rows[clean]["members"])
    before, after = rows[clean], {dataset: row for dataset, row in rows.items() if dataset != clean}
    accuracies = listed(f"{plain(row['accuracy'], 1)} % on {in_words(dataset)}" for dataset, row in after.items())
    what = f"the ensemble of {names}, by {consensus_title(consensus)}," if before["size"] > 1 else f"{names} alone"
    return [
        f"Under shift: {what} is recommended on {in_words(clean)}, with {plain(before['accuracy'], 1)} % on its "
        f"evaluation split. On the evaluation splits of the other sets it has {accuracies}.",
        f"Its regret there is, in percentage points, {_each(after, 'regret', ('regret_low', 'regret_high'))}.",
        WHAT_REGRET_IS,
        _verdict(after),
        _over_best(after) if before["size"] > 1 else "",
        _other_splits(after),
    ]


def _each(rows: Mapping[str, Row], name: str, ends: tuple[str, str]) -> str:
    return listed(
        f"{signed(row[name], 1)} on {in_words(dataset)} (95 % interval {signed(row[ends[0]], 1)} to "
        f"{signed(row[ends[1]], 1)})"
        for dataset, row in rows.items()
    )


def _verdict(rows: Mapping[str, Row]) -> str:
    """Which intervals exclude 0. They are not adjusted for the number of sets, and the sentence says so."""
    said = _sorted(
        {dataset: (row["regret_low"], row["regret_high"]) for dataset, row in rows.items()},
        "a choice on the set itself is better on",
        "the choice on the clean set is better on",
        "it is undecided which is better on",
    )
    return f"By these intervals, which are not adjusted for the number of sets, {said}."


def _sorted(intervals: Mapping[str, tuple[float, float]], above: str, below: str, neither: str) -> str:
    """The datasets by whether their intervals are above 0, below 0, or neither; words for each that occurs."""
    datasets: dict[str, list[str]] = {above: [], below: [], neither: []}
    for dataset, (low, high) in intervals.items():
        datasets[above if low > 0 else below if high < 0 else neither].append(dataset)
    return "; ".join(f"{words} {_places(places)}" for words, places in datasets.items() if places)


def _places(datasets: Sequence[str]) -> str:
    return listed(in_words(dataset) for dataset in datasets)


def _over_best(rows: Mapping[str, Row]) -> str:
    each = _each(rows, "over_best_member", ("over_best_low", "over_best_high"))
    return f"Its lead over the single member that was chosen on the clean set is {each}."


def _other_splits(rows: Mapping[str, Row]) -> str:
    others = [dataset for dataset, row in rows.items() if not row["same_split"]]
    if not others:
        return ""
    return (
        f"{_places(others)} {'has' if len(others) == 1 else 'have'} another number of samples than the clean set and "
        "so another division: if the sets show the same images, the choice has seen some of those on which it is "
        "judged."
    )


def _on_robustness(shift: ShiftTables, consensus: str) -> list[str]:
    rows = {name: row for name, row in shift.effective(consensus).items() if not missing(row["effective"])}
    if not rows:
        return [
            "Effective robustness could not be estimated: there are fewer than three members, or all are equally "
            "accurate on the clean set."
        ]
    each = listed(_effective(dataset, row) for dataset, row in rows.items())
    said = _sorted(
        {
            dataset: (row["effective_low"], row["effective_high"])
            for dataset, row in rows.items()
            if not missing(row["effective_low"])
        },
        "it is more robust than its accuracy on the clean set suggests on",
        "it is less robust than its accuracy on the clean set suggests on",
        "this is undecided on",
    )
    outside = any(row["extrapolated"] for row in rows.values())
    return [
        "Its effective robustness (its accuracy under shift minus the accuracy that the line of the single members "
        f"gives for its accuracy on {in_words(shift.clean)}) is, in percentage points, {each}.",
        f"By these intervals, {said}." if said else "Intervals need at least four members.",
        f"On {in_words(shift.clean)} it is outside of the members' range of accuracies, so the line is extrapolated."
        if outside
        else "",
        _above_the_line(shift.by_size.filter(pl.col("size") > 1, consensus=consensus)),
    ]


def _effective(dataset: str, row: Row) -> str:
    interval = ""
    if not missing(row["effective_low"]):
        interval = f" (95 % interval {signed(row['effective_low'], 1)} to {signed(row['effective_high'], 1)})"
    return f"{signed(row['effective'], 1)} on {in_words(dataset)}{interval}"


def _above_the_line(by_size: pl.DataFrame) -> str:
    """Shares of all ensembles, from those of each size."""
    if by_size.is_empty():
        return ""
    total = by_size.group_by("dataset", maintain_order=True).agg(
        *((pl.col(name) * pl.col("ensembles")).sum() / pl.col("ensembles").sum() for name in SHARES)
    )
    above = listed(f"{plain(row['above_line'], 0)} % on {in_words(row['dataset'])}" for row in total.to_dicts())
    outside = plain(max(total["extrapolated"].fill_null(0)), 0)
    where = "none of them is" if outside == "0" else f"up to {outside} % of them are"
    return (
        f"Of all evaluated ensembles of several members, the share above the line is {above}; {where} outside of the "
        "members' range, where the line is extrapolated."
    )


SHARES = ("above_line", "extrapolated")


def _on_effects(effects: pl.DataFrame, clean: str) -> list[str]:
    known = [row for row in effects.iter_rows(named=True) if not missing(row["partial"])]
    if not known:
        return []
    on_clean = [row for row in known if row["adjusted_on"] == row["measured_on"]]
    under_shift = [row for row in known if row["adjusted_on"] != row["measured_on"]]
    parts = [
        f"with the members' accuracy and confidence {what} held fixed, {_shown(rows)}"
        for what, rows in ((f"on {clean}", on_clean), ("under the shift", under_shift))
        if rows
    ]
    return [
        f"Whether diversity that is measured on {clean} goes with the accuracy of ensembles under shift: "
        f"{'; '.join(parts)}."
    ]


def _shown(rows: Sequence[Mapping[str, Any]]) -> str:
    """How often an effect is shown, for each measure."""
    shown = [row for row in rows if is_shown(row)]
    if not shown:
        return f"no effect is shown ({len(rows)} are undecided)"
    measures = dict.fromkeys(row["measure"] for row in shown)
    each = [
        f"{quantity(measure).inside_a_sentence} on {_with_sign([row for row in shown if row['measure'] == measure])}"
        for measure in measures
    ]
    others = len(rows) - len(shown)
    rest = f" ({others} others are undecided)" if others else ""
    return f"an effect is shown for {listed(each)}{rest}"


def _with_sign(rows: Sequence[Mapping[str, Any]]) -> str:
    return listed(f"{in_words(row['dataset'])} ({signed(row['per_sd'])} percentage points)" for row in rows)
