"""What a study found about diversity, in plain sentences. Every statement in them follows from the correlations."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scripts.lib.report.labels import (
    BEYOND_ACCURACY,
    MEAN_MEMBER_ACCURACY,
    WHAT_P_TESTS,
    counted,
    in_words,
    listed,
    missing,
    plain,
    probability,
    quantity,
    signed,
)

Row = Mapping[str, Any]
WHAT_IS_TESTED = (
    "Ensembles share members and images, so ordinary p-values would be far too small. Here p comes from permuting the "
    f"members. {WHAT_P_TESTS} {BEYOND_ACCURACY} q is p corrected for the number of correlations of the study, and "
    "tests the same hypothesis."
)


def on_diversity(rows: Sequence[Row], datasets: Sequence[str]) -> list[str]:
    """Sentences on the correlations `rows` that have a value; the first of `datasets` is not shifted.

    Measures are ordered by r and its interval. p and q are shown but do not affect the order.
    """
    first = datasets[0]
    diversities = [row for row in rows if row["measure"] != MEAN_MEMBER_ACCURACY]
    accuracies = [row for row in rows if row["measure"] == MEAN_MEMBER_ACCURACY]
    return [
        _strongest_first([row for row in diversities if row["dataset"] == first], in_words(first)),
        *(_accuracy_alone(row) for row in accuracies if row["dataset"] == first),
        _strongest_elsewhere([row for row in diversities if row["dataset"] != first]),
        _span(diversities),
        WHAT_IS_TESTED if diversities else "",
    ]


def _strongest_first(rows: Sequence[Row], place: str) -> str:
    if not rows:
        return (
            f"On {place}, no correlation with a diversity could be computed, because there are too few ensembles or a "
            "quantity does not vary."
        )
    row, *others = sorted(rows, key=lambda row: _strength([row]), reverse=True)
    return (
        f"On {place}, the diversity that correlates most strongly with the improvement over the mean member is "
        f"{_name(row['measure'])}, {numbers(row)}{_direction(row)}. {_partial(row)} {_in_order(others)}"
    ).rstrip()


def _strength(rows: Sequence[Row]) -> tuple[float, float]:
    """Sort key of measures: |mean r| as printed, then the distance of the intervals from 0. p and q are not used."""
    bounds = [(row["ci_low"], row["ci_high"]) for row in rows if _sign_is_sure(row)]
    left = sum(min(abs(low), abs(high)) for low, high in bounds) / len(rows)
    return round(abs(_average(rows, "pearson")), 2), left


def _has_interval(row: Row) -> bool:
    return not (missing(row["ci_low"]) or missing(row["ci_high"]))


def _sign_is_sure(row: Row) -> bool:
    return _has_interval(row) and row["ci_low"] * row["ci_high"] > 0


def _direction(row: Row) -> str:
    if _sign_is_sure(row):
        more = "more" if row["pearson"] > 0 else "less"
        return f": ensembles whose members differ more by this measure gain {more}"
    why = "the interval includes zero" if _has_interval(row) else "it has no interval"
    return f"; {why}, so even the sign is uncertain"


def _in_order(rows: Sequence[Row]) -> str:
    each = [f"{_name(row['measure'])} ({_in_brackets(row)})" for row in rows]
    return f"Next, in order of |r|: {listed(each)}." if each else ""


def _in_brackets(row: Row) -> str:
    """`+0.50, 95 % interval −0.20 to 0.90; accuracy held fixed +0.13`, without the parts that have no value."""
    partial = "" if missing(row["partial_pearson"]) else f"; accuracy held fixed {signed(row['partial_pearson'])}"
    return ", ".join([signed(row["pearson"]), *_interval(row)]) + partial


def _partial(row: Row) -> str:
    r, partial = row["pearson"], row["partial_pearson"]
    if missing(partial):
        return ""
    if abs(partial) < 0.5 * abs(r):
        change = (
            "less than half of the correlation remains, so much of it may only reflect how accurate the members are"
        )
    elif r * partial < 0:
        change = "it changes sign, so the plain correlation may only reflect how accurate the members are"
    elif abs(partial) > 1.25 * abs(r):
        change = "it becomes stronger"
    else:
        change = "more than half of the correlation remains"
    return f"With the mean member accuracy held fixed, r is {signed(partial)}: {change}."


def _accuracy_alone(row: Row) -> str:
    return f"For comparison, the mean member accuracy itself has {numbers(row)}."


def _strongest_elsewhere(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    by_measure: dict[str, list[Row]] = {}
    for row in rows:
        by_measure.setdefault(row["measure"], []).append(row)
    measure = max(by_measure, key=lambda name: _strength(by_measure[name]))
    chosen = by_measure[measure]
    each = listed(f"{signed(row['pearson'])}{_limits(row)} on {in_words(row['dataset'])}" for row in chosen)
    held = [row for row in chosen if not missing(row["partial_pearson"])]
    partial = f" (with accuracy held fixed {signed(_average(held, 'partial_pearson'))})" if held else ""
    return (
        f"On the other sets, the diversity with the strongest correlation on average is {_name(measure)}: r is {each}, "
        f"on average {signed(_average(chosen, 'pearson'))}{partial}."
    )


def _limits(row: Row) -> str:
    return f" ({plain(row['ci_low'])} to {plain(row['ci_high'])})" if _has_interval(row) else ""


def _span(rows: Sequence[Row]) -> str:
    if len(rows) < 2:
        return ""
    plain_r = [row["pearson"] for row in rows]
    partial = [row["partial_pearson"] for row in rows if not missing(row["partial_pearson"])]
    signs = f"{sum(r > 0 for r in plain_r)} positive, {sum(r < 0 for r in plain_r)} negative"
    held = f"; with the mean member accuracy held fixed it {_between(partial)}" if partial else ""
    return (
        f"Over all {counted(len(rows), 'correlation')} between a diversity and this improvement, "
        f"r {_between(plain_r)} ({signs}){held}."
    )


def _between(values: Sequence[float]) -> str:
    low, high = signed(min(values)), signed(max(values))
    return f"is {low}" if low == high else f"is between {low} and {high}"


def numbers(row: Row) -> str:
    """`r = +0.70 (95 % interval −0.01 to 0.94, p = 0.050, q = 0.075)`, without the parts that have no value."""
    parts = [*_interval(row)]
    parts += [probability(name, row[f"{name}_value"]) for name in "pq" if not missing(row[f"{name}_value"])]
    return f"r = {signed(row['pearson'])}" + (f" ({', '.join(parts)})" if parts else "")


def _interval(row: Row) -> Iterator[str]:
    if _has_interval(row):
        yield f"95 % interval {plain(row['ci_low'])} to {plain(row['ci_high'])}"


def _name(measure: str) -> str:
    """A measure in the middle of a sentence."""
    return quantity(measure).inside_a_sentence


def _average(rows: Sequence[Row], column: str) -> float:
    return sum(row[column] for row in rows) / len(rows)
