"""What a study found about confidence, in plain sentences. Every statement in them follows from the tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.report.labels import NO_TEMPERATURE, counted, in_words, listed, missing, plain, signed

Tables = Mapping[str, pl.DataFrame]


def on_calibration(temperatures: pl.DataFrame, calibration: Tables, members: Sequence[str]) -> list[str]:
    """Sentences on `temperatures.parquet` and on the tables `calibration/{dataset}.parquet` by dataset.

    `members` are the names of the members in their order. The first dataset is the one where temperatures were fitted.
    """
    return [
        _temperatures(temperatures.filter(role="member"), members, next(iter(calibration))),
        _of_members(calibration, "ece", "mean calibration error (ECE, from 0 to 1)"),
        _of_members(calibration, "nll", "mean NLL in nats"),
        _errors_of_averages(calibration),
        _accuracies_of_averages(calibration),
        _scaled_average(calibration),
    ]


def _temperatures(alone: pl.DataFrame, members: Sequence[str], clean: str) -> str:
    where = f"the {alone['samples'][0]} samples of the selection split of {in_words(clean)}"
    found = alone.drop_nulls("temperature").sort("temperature", maintain_order=True)
    if found.is_empty():
        return f"No member has a temperature from {where}: {_reasons(alone)}."
    lowest, highest = (
        f"{plain(row['temperature'])} ({members[row['members'][0]]})" for row in found[[0, -1]].iter_rows(named=True)
    )
    span = f"they are between {lowest} and {highest}" if len(found) > 1 else f"it is {lowest}"
    above = int((found["temperature"] > 1).sum())
    return " ".join(
        [
            "How far confidence can be trusted is measured on the evaluation splits.",
            f"Temperatures were fitted on {where} only, and are applied to all sets: {span}.",
            f"A temperature above 1 lowers confidence; {above} of {counted(len(found), 'member')} {_have(above)} one.",
            *_exceptions(alone),
        ]
    )


def _exceptions(alone: pl.DataFrame) -> Iterator[str]:
    without, limits = alone["temperature"].null_count(), int(alone["at_limit"].sum())
    if without:
        yield f"{counted(without, 'member')} {_have(without)} no temperature: {_reasons(alone)}."
    if limits:
        be = "is" if limits == 1 else "are"
        yield f"{counted(limits, 'temperature')} {be} at a limit of the search, so the best one may be beyond it."


def _reasons(alone: pl.DataFrame) -> str:
    return listed(NO_TEMPERATURE[reason] for reason in sorted(set(alone["reason"].drop_nulls())))


def _have(number: int) -> str:
    return "has" if number == 1 else "have"


def _of_members(calibration: Tables, column: str, title: str) -> str:
    """Means over the members that have a temperature, without and with it."""
    parts = []
    for dataset, table in calibration.items():
        alone = table.filter(role="member").drop_nulls(column)
        both = alone.filter(pl.col("scaling").n_unique().over("members") == 2)
        if len(both):
            means = [_mean(both.filter(scaling=scaling)[column]) for scaling in ("none", "members")]
            parts.append(f"{plain(means[0], 3)} and {plain(means[1], 3)} on {in_words(dataset)}")
    if not parts:
        return ""
    return f"The {title} of the members with a temperature is, without and with it, {listed(parts)}."


def _errors_of_averages(calibration: Tables) -> str:
    """Both averages of all members, not scaled."""
    parts = [
        f"{plain(arithmetic['ece'], 3)} and {plain(geometric['ece'], 3)} on {in_words(dataset)}"
        for dataset, arithmetic, geometric in _averages(calibration, "none")
    ]
    if not parts:
        return ""
    return f"Not scaled, the arithmetic and the geometric average of all members have an ECE of {listed(parts)}."


def _accuracies_of_averages(calibration: Tables) -> str:
    """How accurate the geometric average of all members is beside the arithmetic one."""
    not_scaled, own = (
        [
            f"{signed(geometric['accuracy'] - arithmetic['accuracy'], 1)} on {in_words(dataset)}"
            for dataset, arithmetic, geometric in _averages(calibration, scaling)
        ]
        for scaling in ("none", "members")
    )
    if not not_scaled:
        return ""
    scaled = f"; with each member scaled, {listed(own)}" if own else ""
    return (
        "The accuracy of the geometric average minus that of the arithmetic one is, in percentage points, "
        f"{listed(not_scaled)}{scaled}."
    )


def _averages(calibration: Tables, scaling: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each dataset with the rows of the arithmetic and the geometric average of all members, if they have scores."""
    for dataset, table in calibration.items():
        together = table.filter(role="all_members", scaling=scaling).drop_nulls("samples")
        rows = {row["averaging"]: row for row in together.iter_rows(named=True)}
        if rows:
            yield dataset, rows["arithmetic"], rows["geometric"]


def _scaled_average(calibration: Tables) -> str:
    """What one temperature does to the arithmetic average of all members."""
    parts = []
    for dataset, table in calibration.items():
        rows = table.filter(role="all_members", averaging="arithmetic", scaling="average").drop_nulls("nll_change")
        parts += [f"{_with_interval(row)} on {in_words(dataset)}" for row in rows.iter_rows(named=True)]
    if not parts:
        return ""
    return (
        "One temperature for the arithmetic average of all members changes its NLL by the following (negative is "
        f"better; with 95 % intervals over samples, for the temperature as it was fitted): {listed(parts)}."
    )


def _with_interval(row: Mapping[str, Any]) -> str:
    change = signed(row["nll_change"], 3)
    if missing(row["nll_change_low"]):
        return change
    return f"{change} ({signed(row['nll_change_low'], 3)} to {signed(row['nll_change_high'], 3)})"


def _mean(values: pl.Series) -> float:
    return float(values.to_numpy().mean())
