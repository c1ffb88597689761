"""What a study found about diversity, in plain sentences. Every statement in them follows from the tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from scripts.lib.report.labels import (
    HOW_EFFECTS_ARE_TESTED,
    LIMIT,
    MEMBER_ACCURACY,
    OUTCOMES,
    PLAIN_CORRELATIONS,
    WHAT_EFFECTS_ARE,
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
MOST_DIFFERENCES = 3
UNDECIDED = "Undecided does not mean that there is no effect: with few members, real effects can stay undecided."


def on_effects(rows: Sequence[Row], datasets: Sequence[str]) -> list[str]:
    """Sentences on the effects `rows` that have a value; the first of `datasets` is not shifted.

    An effect is said to be there if its q is below the limit and its interval leaves out 0. Measures stay in the order
    of the study, because a larger estimate does not prove that the effect is larger: see
    `on_differences`.
    """
    first = datasets[0]
    if not rows:
        return [
            "No effect of a diversity beyond the members' accuracy and confidence could be estimated: fewer than six "
            "members can be compared, there are too few ensembles of them, a pair has no value, or a quantity does not "
            "vary."
        ]
    return [
        WHAT_EFFECTS_ARE,
        _in_one_place([row for row in rows if row["dataset"] == first], in_words(first)),
        _elsewhere([row for row in rows if row["dataset"] != first]),
        "" if all(is_shown(row) for row in rows) else UNDECIDED,
        HOW_EFFECTS_ARE_TESTED,
    ]


def on_differences(differences: pl.DataFrame) -> list[str]:
    """Whether effects of two measures differ, from the rows of `effect_differences.parquet`; none without a value."""
    known = differences.drop_nulls("q_value")
    if known.is_empty():
        return []
    shown, compared = known.filter(pl.col("q_value") < LIMIT), counted(len(known), "difference")
    if shown.is_empty():
        return [
            f"Between the effects of two measures, no difference is shown ({compared} on all sets together), so their "
            "order cannot be read from the estimates."
        ]
    largest = shown.sort(pl.col("difference").abs(), descending=True, maintain_order=True).head(MOST_DIFFERENCES)
    each = listed(
        f"on {in_words(row['dataset'])}, the effect of {_name(row)} less that of "
        f"{quantity(row['other']).inside_a_sentence} is {signed(row['difference'])} percentage points "
        f"(95 % interval {plain(row['low'])} to {plain(row['high'])})"
        for row in largest.iter_rows(named=True)
    )
    most = "the largest of these: " if len(shown) > len(largest) else ""
    have = "has" if len(shown) == 1 else "have"
    return [f"Of {compared} between the effects of two measures, {len(shown)} {have} q below {LIMIT}: {most}{each}."]


def on_nll(rows: Sequence[Row]) -> list[str]:
    """Sentences on the effects `rows` on the negative log-likelihood that have a value; none if there are none."""
    if not rows:
        return []
    return [
        "On the negative log-likelihood (NLL) of averaged probabilities, in nats, positive where diversity goes with a "
        f"smaller NLL, on all sets: {_by_measure(rows)}."
    ]


def is_shown(row: Row) -> bool:
    """Whether an effect is there, by q and by its interval."""
    known = not any(missing(row[name]) for name in ("per_sd_low", "per_sd_high", "q_value"))
    agree = row["partial"] * row["per_sd"] > 0  # their signs may differ where the halves disagree
    return known and agree and bool(row["q_value"] < LIMIT and row["per_sd_low"] * row["per_sd_high"] > 0)


def _in_one_place(rows: Sequence[Row], place: str) -> str:
    if not rows:
        return f"On {place}, no effect could be estimated."
    shown, others = [row for row in rows if is_shown(row)], [row for row in rows if not is_shown(row)]
    text = f"On {place}, no effect is shown."
    if shown:
        text = f"On {place}, an effect is shown for {_each(shown)}."
    return f"{text} It is undecided for {_each(others)}." if others else text


def _each(rows: Sequence[Row]) -> str:
    return listed(f"{_name(row)} ({numbers(row)})" for row in rows)


def _elsewhere(rows: Sequence[Row]) -> str:
    """How often an effect is shown on the other datasets, for each measure."""
    if not rows:
        return ""
    return f"On the other sets: {_by_measure(rows)}."


def _by_measure(rows: Sequence[Row]) -> str:
    by_measure: dict[str, list[Row]] = {}
    for row in rows:
        by_measure.setdefault(row["measure"], []).append(row)
    return "; ".join(_summary(of_measure) for of_measure in by_measure.values())


def _summary(rows: Sequence[Row]) -> str:
    points = [row["per_sd"] for row in rows]
    shown = [row for row in rows if is_shown(row)]
    signs = [
        f"{word} on {listed(in_words(row['dataset']) for row in of_sign)}"
        for word, of_sign in (
            ("a positive effect is shown", [row for row in shown if row["per_sd"] > 0]),
            ("a negative effect is shown", [row for row in shown if row["per_sd"] < 0]),
        )
        if of_sign
    ]
    verdict = listed(signs) if signs else "no effect is shown"
    outcome = OUTCOMES[rows[0]["outcome"]]
    return f"{_name(rows[0])} ({_between(points, outcome.digits)} {outcome.unit}): {verdict}"


def numbers(row: Row) -> str:
    """`+0.52 percentage points, 95 % interval 0.10 to 0.94; partial r = +0.53, p = 0.004`, as far as known."""
    interval = ""
    if not (missing(row["per_sd_low"]) or missing(row["per_sd_high"])):
        interval = f", 95 % interval over members {plain(row['per_sd_low'])} to {plain(row['per_sd_high'])}"
    parts = [f"partial r = {signed(row['partial'])}"]
    parts += [probability(name, row[f"{name}_value"]) for name in "pq" if not missing(row[f"{name}_value"])]
    return f"{signed(row['per_sd'])} percentage points{interval}; {', '.join(parts)}"


def on_correlations(rows: Sequence[Row], datasets: Sequence[str]) -> list[str]:
    """Sentences on the plain correlations `rows` that have a value: a description, without tests."""
    first = datasets[0]
    here = [row for row in rows if row["dataset"] == first]
    if not here:
        return [
            f"On {in_words(first)}, no correlation with a diversity could be computed, because there are too few "
            "ensembles or a quantity does not vary."
        ]
    diversities = [row for row in here if row["measure"] != MEMBER_ACCURACY]
    accuracy = [row for row in here if row["measure"] == MEMBER_ACCURACY]
    return [
        _plain(diversities, in_words(first)),
        *(f"For comparison, the mean member accuracy itself has r = {_in_brackets(row)}." for row in accuracy),
        _span([row for row in rows if row["measure"] != MEMBER_ACCURACY]),
        PLAIN_CORRELATIONS,
    ]


def _plain(rows: Sequence[Row], place: str) -> str:
    if not rows:
        return ""
    each = listed(f"{_name(row)} {_in_brackets(row)}" for row in rows)
    return f"Plain correlations r with the improvement over the mean member on {place}: {each}."


def _in_brackets(row: Row) -> str:
    return " ".join([signed(row["pearson"]), *_interval(row)])


def _interval(row: Row) -> Iterator[str]:
    if not (missing(row["ci_low"]) or missing(row["ci_high"])):
        yield f"(95 % interval {plain(row['ci_low'])} to {plain(row['ci_high'])})"


def _span(rows: Sequence[Row]) -> str:
    if len(rows) < 2:
        return ""
    values = [row["pearson"] for row in rows]
    signs = f"{sum(r > 0 for r in values)} positive, {sum(r < 0 for r in values)} negative"
    return (
        f"Over all {counted(len(rows), 'correlation')} between a diversity and this improvement, "
        f"r is {_between(values)} ({signs})."
    )


def _between(values: Sequence[float], digits: int = 2) -> str:
    low, high = signed(min(values), digits), signed(max(values), digits)
    return low if low == high else f"between {low} and {high}"


def _name(row: Row) -> str:
    """A measure in the middle of a sentence."""
    return quantity(row["measure"]).inside_a_sentence
