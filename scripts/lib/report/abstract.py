"""The findings in a few sentences, before the paragraphs. Every statement in them follows from the tables."""

from collections.abc import Iterator, Sequence

from scripts.lib.report.findings import Tables, unbroken
from scripts.lib.report.findings_diversity import Row, is_shown
from scripts.lib.report.labels import counted, in_words, listed, plain, quantity, signed

CAUTION = "These are adjusted associations, not proof of a cause."


def abstract(tables: Tables) -> list[str]:
    """Doubts about the files, what ensembles gain, which diversity helps, and what a choice is worth under shift."""
    return [unbroken(sentence) for sentence in (*tables.doubts, *_gains(tables), *_diversity(tables), *_shift(tables))]


def _gains(tables: Tables) -> Iterator[str]:
    chosen, place = tables.chosen(tables.first), in_words(tables.first)
    if chosen.is_empty():
        return
    gain = signed(_mean(chosen["improvement_over_mean"].to_list()), 1)
    best, alone = (table["accuracy"].to_numpy().max() for table in (chosen, tables.accuracies[tables.first]))
    yield (
        f"{len(tables.members)} members and {counted(len(chosen), 'ensemble')} were compared on "
        f"{counted(len(tables.accuracies), 'validation set')}. On {place}, the improvement of an ensemble over the "
        f"mean of its members is, on average, {gain} percentage points. The most accurate ensemble has "
        f"{plain(best, 1)} % there, the most accurate member {plain(alone, 1)} % (both are the largest of many, so "
        "slightly optimistic)."
    )


def _diversity(tables: Tables) -> Iterator[str]:
    rows = tables.estimated("accuracy")
    if not rows:
        yield "Whether diversity matters beyond the accuracy of the members could not be estimated here."
        return
    by_measure: dict[str, list[Row]] = {}
    for row in rows:
        by_measure.setdefault(row["measure"], []).append(row)
    shown = [text for measure, of_measure in by_measure.items() if (text := _of_measure(measure, of_measure))]
    undecided = [
        quantity(measure).inside_a_sentence for measure, of in by_measure.items() if not any(map(is_shown, of))
    ]
    text = "Beyond the members' accuracy and confidence, no effect of a diversity on accuracy is shown on any set."
    if shown:
        text = f"Beyond the members' accuracy and confidence, an effect on accuracy is shown for {listed(shown)}."
        text += f" On every set, it is undecided for {listed(undecided)}." if undecided else ""
    yield f"{text} {CAUTION}"


def _of_measure(measure: str, rows: list[Row]) -> str:
    signs = [row["per_sd"] > 0 for row in rows if is_shown(row)]
    if not signs:
        return ""
    positive, negative = sum(signs), len(signs) - sum(signs)
    counts = [f"{word} on {number}" for word, number in (("positive", positive), ("negative", negative)) if number]
    return f"{quantity(measure).inside_a_sentence} ({listed(counts)} of {counted(len(rows), 'set')})"


def _shift(tables: Tables) -> Iterator[str]:
    """What the choice on the clean set costs on the others, in the mean over them, and where an interval excludes 0."""
    if tables.shift is None:
        return
    rows = tables.shift.recommended(tables.consensus)
    after = {dataset: row for dataset, row in rows.items() if dataset != tables.shift.clean}
    regret = signed(_mean([row["regret"] for row in after.values()]), 1)
    costly = [in_words(dataset) for dataset, row in after.items() if row["regret_low"] > 0]
    yield (
        f"On {counted(len(after), 'shifted set')}, the mean regret of what is recommended on "
        f"{in_words(tables.shift.clean)} is {regret} percentage points: an ensemble that was chosen on the shifted set "
        f"itself minus this one. The interval is above 0 on {listed(costly) if costly else 'none of them'}."
    )


def _mean(values: Sequence[float | None]) -> float:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else float("nan")
