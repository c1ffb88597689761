"""Whether the values of a model are probabilities, percentages or logits; they become logits or are refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scripts.lib.jobs.errors import StudyError
from scripts.lib.reading.class_columns import Outputs, some

# Tolerance for probabilities and their sums, which files often round to few digits.
ROUNDING = 2e-3
# The most by which the sum of a row may be off because its values are rounded to whole percent, or to tenths of them.
MOST_ROUNDING = 0.05
LEAST_PROBABILITY = 1e-30
# If at least this share of the rows sums to 1, and there are at least so many rows, the others are mistakes.
NEARLY_ALL = 0.9
ENOUGH_ROWS = 10
REMEDY = "set `values: logits`"


@dataclass(frozen=True)
class Reading:
    """How to read a file: what its `values` are ("auto", "logits" or "probabilities"), its class names in the order of
    its columns (None for the study's), and the ids of its rows if it has none itself.

    For messages: `where` names the file, `remedy` says how to state logits.
    """

    where: str
    values: str = "auto"
    classes: Sequence[str] | None = None
    ids: Sequence[str] | None = None
    remedy: str = REMEDY


def to_logits(
    values: np.ndarray, kind: str, samples: Sequence[str], where: str, remedy: str = REMEDY
) -> tuple[np.ndarray, str]:
    """Logits float32 [N, C], and what the values were: "logits" or "probabilities".

    If `kind` is "auto", values that are all between 0 and 1 are probabilities, and all others are logits. Raises
    StudyError, naming the first sample, for values that are not finite, for probabilities that do not sum to 1, and,
    unless `kind` is "logits", for percentages and for files in which only a few rows are not probabilities.
    """
    values = np.asarray(values, np.float64)
    _refuse(~np.isfinite(values).all(1), samples, where, "numbers that are NaN, infinite or missing")
    in_range = within_range(values).all()
    if kind != "logits" and not in_range:
        _refuse_percentages(values, samples, where)
    if kind == "auto" and not in_range:
        _refuse_few_mistakes(values, samples, where, remedy)
        kind = "logits"
    if kind == "logits":
        with np.errstate(over="ignore"):  # refused below
            logits = values.astype(np.float32)
        _refuse(~np.isfinite(logits).all(1), samples, where, "logits beyond the range of float32")
        return logits, kind
    if not in_range:
        _refuse(~within_range(values).all(1), samples, where, "probabilities that are not between 0 and 1")
    hint = "" if kind == "probabilities" else f" ({remedy} if they are logits)"
    off = np.abs(values.sum(1) - 1) > ROUNDING
    _refuse(off, samples, where, f"probabilities that do not sum to 1{hint}", values.sum(1))
    return np.log(np.maximum(values, LEAST_PROBABILITY)).astype(np.float32), "probabilities"


def _refuse(bad: Any, samples: Sequence[str], where: str, what: str, totals: np.ndarray | None = None) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        total = "" if totals is None else f", whose sum is {totals[rows[0]]:.4g}"
        first = f"the first is {samples[rows[0]]}{total}"
        raise StudyError(f"{where} has {what} for {len(rows)} of {len(bad)} samples; {first}.")


def _refuse_percentages(values: np.ndarray, samples: Sequence[str], where: str) -> None:
    percent = parts_of(values, 100)
    if _nearly_all(percent):
        first = samples[int(np.argmax(percent))]
        raise StudyError(
            f"{where} has percentages, which sum to 100, instead of probabilities for {percent.sum()} of "
            f"{len(percent)} samples; the first is {first}. Divide each row by its sum."
        )


def _refuse_few_mistakes(values: np.ndarray, samples: Sequence[str], where: str, remedy: str) -> None:
    """Raise StudyError if nearly all rows are probabilities: a single wrong value would make logits of all."""
    if not _nearly_all(parts_of(values)):
        return
    wrong = ~within_range(values)
    row = int(np.argmax(wrong.any(1)))
    value = values[row][wrong[row]][0]
    raise StudyError(
        f"{where} has probabilities, but also values that are not between 0 and 1 for {wrong.any(1).sum()} of "
        f"{len(values)} samples; the first is {value:.6g} for {samples[row]}. Correct it, or {remedy} if all are "
        "logits."
    )


def _nearly_all(rows: np.ndarray) -> bool:
    """Whether all rows are true, or nearly all of at least ten."""
    return bool(rows.all()) or (len(rows) >= ENOUGH_ROWS and bool(rows.mean() >= NEARLY_ALL))


def parts_of(values: np.ndarray, total: float = 1) -> np.ndarray:
    """Which rows of values [N, C] are parts of `total`, bool [N]: not below 0, with this sum but for rounding.

    How much a sum may be off follows from the digits of the row's values.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # of values that are not finite, which are not parts
        near = np.abs(values.sum(1) / total - 1) <= MOST_ROUNDING + ROUNDING
    near &= (values.min(1) >= -ROUNDING * total) & (values.max(1) <= (1 + ROUNDING) * total)
    parts = values[near] / total
    near[near] = np.abs(parts.sum(1) - 1) <= _rounding_of_sums(parts)
    return near


def _rounding_of_sums(parts: np.ndarray) -> np.ndarray:
    """By how much the sums of rows may be off, [N]: half of the last of up to three digits for each class."""
    most = np.full(len(parts), ROUNDING)
    for digits in (3, 2, 1):
        rounded = (np.abs(parts - parts.round(digits)) < 1e-6).all(1)
        most[rounded] = np.clip(0.5 * 10**-digits * parts.shape[1], ROUNDING, MOST_ROUNDING)
    return most + 1e-6


def require_only_classes(values: np.ndarray, order: Sequence[int], outputs: Outputs, reading: Reading) -> None:
    """Raise StudyError for columns of the values [N, C] that are left out and cannot be further classes.

    Because of them, probabilities would be taken for logits, or would not sum to 1.
    """
    left = sorted(set(range(outputs.count)) - set(order))
    if not left or reading.values == "logits":
        return
    scored = values[:, order]
    total = next((total for total in (1, 100) if _nearly_all(parts_of(scored, total))), None)
    if total is None and not within_range(scored).all():
        return
    wrong = [place for place in left if not within_range(values[:, place] / (total or 1)).all()]
    if not wrong and total and not _nearly_all(parts_of(values, total)):
        wrong = left
    if wrong:
        names = [outputs.columns[place] if outputs.columns else f"number {place}" for place in wrong]
        raise StudyError(
            f"{reading.where}: the classes of the study have probabilities, but the values of {some(names)} cannot be "
            f"probabilities of further classes. Remove these columns, or {reading.remedy} if all are logits."
        )


def within_range(values: np.ndarray) -> np.ndarray:
    """Which values can be probabilities, such as 1 − p with a p just above 1; values that are not finite cannot."""
    return (values >= -ROUNDING) & (values <= 1 + ROUNDING)


def is_distribution(values: np.ndarray) -> bool:
    """Whether all rows [N, C] are probabilities that sum to 1."""
    return bool(within_range(values).all() and (np.abs(values.sum(1) - 1) <= ROUNDING).all())
