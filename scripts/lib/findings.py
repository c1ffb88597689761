"""Two paragraphs of plain text that say what a study found. Every word of them follows from the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from scripts.lib.plots.words import consensus_title, in_words, missing, plain, quantity, signed, significant

Row = Mapping[str, Any]
ACCURACY = "mean_member_accuracy"  # not a diversity, so it is reported beside the measures that are


@dataclass(frozen=True)
class Tables:
    """What the text is computed from. Datasets are in the order of the study; the first one is not shifted."""

    members: Sequence[str]
    accuracies: Mapping[str, pl.DataFrame]
    ensembles: Mapping[str, pl.DataFrame]
    correlations: pl.DataFrame
    consensus: str
    improvement: str = "over_mean"

    @property
    def first(self) -> str:
        return next(iter(self.accuracies))

    @property
    def others(self) -> list[str]:
        return list(self.accuracies)[1:]

    def chosen(self, dataset: str) -> pl.DataFrame:
        """Ensembles of two and more members that decide by the consensus of the text."""
        return self.ensembles[dataset].filter(pl.col("size") > 1, consensus=self.consensus)

    def correlated(self, datasets: Sequence[str]) -> list[Row]:
        """The correlations over all sizes that have a value."""
        rows = self.correlations.filter(size="all", consensus=self.consensus, improvement=self.improvement)
        return [row for row in rows.iter_rows(named=True) if row["dataset"] in datasets and not missing(row["pearson"])]


def findings(tables: Tables) -> list[str]:
    """The two paragraphs: what ensembles gain, and which diversity goes with that gain."""
    paragraphs = (_on_ensembles(tables), _on_diversity(tables))
    return [_unbroken(" ".join(filter(None, sentences))) for sentences in paragraphs]


def _unbroken(text: str) -> str:
    """Keep a number and its sign of per cent, or `r = 0.5`, on one line."""
    return text.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0").replace(" < ", "\u00a0<\u00a0")


def _on_ensembles(tables: Tables) -> list[str]:
    return [
        _scope(tables),
        _member_accuracies(tables),
        _best_ensemble(tables),
        _leads_elsewhere(tables),
        _gains(tables),
    ]


def _scope(tables: Tables) -> str:
    ensembles = tables.chosen(tables.first)
    if ensembles.is_empty():
        return f"{len(tables.members)} members were tested; no ensemble of two or more members was evaluated."
    sizes = sorted(ensembles["size"].unique())
    span = f"{sizes[0]} members" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} members"
    return (
        f"{len(tables.members)} members were tested alone and in {counted(len(ensembles), 'ensemble')} of {span}, "
        f"on {counted(len(tables.accuracies), 'validation set')}."
    )


def _member_accuracies(tables: Tables) -> str:
    first = tables.accuracies[tables.first].sort("accuracy", "position")
    mean = _mean(first["accuracy"])
    text = (
        f"On {in_words(tables.first)} their top-1 accuracy lies between {plain(first['accuracy'][0], 1)} % "
        f"({first['member'][0]}) and {plain(first['accuracy'][-1], 1)} % ({first['member'][-1]}), "
        f"on average {plain(mean, 1)} %"
    )
    means = {dataset: _mean(tables.accuracies[dataset]["accuracy"]) for dataset in tables.others}
    if not means:
        return f"{text}."
    average, lowest = sum(means.values()) / len(means), min(means, key=lambda dataset: means[dataset])
    change = round(average, 1) - round(mean, 1)
    verb = "falls to" if change < 0 else "rises to" if change > 0 else "stays at"
    if len(means) == 1:
        return f"{text}; on {in_words(lowest)} this average {verb} {plain(average, 1)} %."
    return (
        f"{text}; on the other {len(means)} sets ({listed(map(in_words, means))}) this average {verb} "
        f"{plain(average, 1)} %, with {in_words(lowest)} the hardest ({plain(means[lowest], 1)} %)."
    )


def _best_ensemble(tables: Tables) -> str:
    table = tables.chosen(tables.first)
    if table.is_empty():
        return ""
    top = table.filter(pl.col("accuracy") == table["accuracy"].max()).sort("size", maintain_order=True)
    best, lead = top.row(0, named=True), _lead(tables, tables.first)
    alone = tables.accuracies[tables.first].sort("accuracy", "position", descending=[True, False]).row(0, named=True)
    names = listed(tables.members[position] for position in best["members"])
    equals = f" ({counted(len(top) - 1, 'other ensemble')} reached the same)" if len(top) > 1 else ""
    return (
        f"The best ensemble on {in_words(tables.first)}, deciding by {consensus_title(tables.consensus)}, is {names} "
        f"with {plain(best['accuracy'], 1)} %{equals}: {compared(lead)} the best single member, {alone['member']}. "
        "It was picked on the same images that score it, so its accuracy is an optimistic estimate."
    )


def _leads_elsewhere(tables: Tables) -> str:
    leads = {dataset: _lead(tables, dataset) for dataset in tables.others if len(tables.chosen(dataset))}
    if not leads:
        return ""
    each = listed(f"{signed(lead, 1)} on {in_words(dataset)}" for dataset, lead in leads.items())
    return f"The best ensemble of each other set against its best single member, in points: {each}."


def _lead(tables: Tables, dataset: str) -> float:
    """Points between the best ensemble and the best single member of the whole study."""
    return float(max(tables.chosen(dataset)["accuracy"]) - max(tables.accuracies[dataset]["accuracy"]))


def _gains(tables: Tables) -> str:
    tested = [dataset for dataset in tables.accuracies if len(tables.chosen(dataset))]
    if not tested:
        return ""
    gains = listed(
        f"{signed(_mean(tables.chosen(dataset)['improvement_over_mean']), 1)} on {in_words(dataset)}"
        for dataset in tested
    )
    beating = [100 * _mean(tables.chosen(dataset)["improvement_over_best"] > 0) for dataset in tested]
    low, high = (f"{plain(share, 1)} %" for share in (min(beating), max(beating)))
    shares = low if low == high else f"between {low} and {high}, depending on the set,"
    return (
        f"Averaged over all ensembles, the improvement over the mean member is, in points, {gains}; "
        f"{shares} of the ensembles beat the best of their own members."
    )


def _on_diversity(tables: Tables) -> list[str]:
    return [_strongest_first(tables), _accuracy_alone(tables), _strongest_elsewhere(tables), _tally(tables)]


def _strongest_first(tables: Tables) -> str:
    rows = [row for row in tables.correlated([tables.first]) if row["measure"] != ACCURACY]
    place = in_words(tables.first)
    if not rows:
        return f"On {place} no correlation with a diversity could be computed: too few ensembles, or nothing varies."
    row = max(rows, key=lambda row: abs(row["pearson"]))
    more = "gain more" if row["pearson"] > 0 else "gain less"
    verdict = (
        f"it is significant: ensembles whose members differ more by this measure {more}"
        if significant(row)
        else "it is not significant, so chance alone could explain it"
    )
    return (
        f"On {place}, the diversity that correlates strongest with the improvement over the mean member is "
        f"{_name(row['measure'])}, {numbers(row)}; {verdict}. {_partial(row)}"
    )


def _partial(row: Row) -> str:
    r, partial = row["pearson"], row["partial_pearson"]
    if missing(partial):
        return ""
    if abs(partial) < 0.5 * abs(r):
        change = "less than half of it is left, so much of it may only reflect how accurate the members are"
    elif r * partial < 0:
        change = "it changes sign, so the plain correlation may only reflect how accurate the members are"
    elif abs(partial) > 1.25 * abs(r):
        change = "it becomes stronger"
    else:
        change = "more than half of it is left, so accuracy alone does not seem to explain it"
    return f"With the mean member accuracy held fixed, r is {signed(partial)}: {change}."


def _accuracy_alone(tables: Tables) -> str:
    rows = [row for row in tables.correlated([tables.first]) if row["measure"] == ACCURACY]
    if not rows:
        return ""
    verdict = "significant" if significant(rows[0]) else "not significant"
    return f"For comparison, the mean member accuracy itself has {numbers(rows[0])}; {verdict}."


def _strongest_elsewhere(tables: Tables) -> str:
    rows = [row for row in tables.correlated(tables.others) if row["measure"] != ACCURACY]
    if not rows:
        return ""
    by_measure: dict[str, list[Row]] = {}
    for row in rows:
        by_measure.setdefault(row["measure"], []).append(row)
    measure = max(by_measure, key=lambda name: abs(_average(by_measure[name], "pearson")))
    chosen = by_measure[measure]
    sure = [in_words(row["dataset"]) for row in chosen if significant(row)]
    each = listed(f"{signed(row['pearson'])} on {in_words(row['dataset'])}" for row in chosen)
    verdict = f"significant on {listed(sure)}" if sure else "not significant on any of them"
    held = [row for row in chosen if not missing(row["partial_pearson"])]
    partial = f" (with accuracy held fixed {signed(_average(held, 'partial_pearson'))})" if held else ""
    return (
        f"On the other sets, the strongest on average is {_name(measure)}: r is {each}, "
        f"on average {signed(_average(chosen, 'pearson'))}{partial}; {verdict}."
    )


def _tally(tables: Tables) -> str:
    rows = [row for row in tables.correlated(list(tables.accuracies)) if row["measure"] != ACCURACY]
    if not rows:
        return ""
    sure = [row["pearson"] for row in rows if significant(row)]
    signs = f" ({sum(r > 0 for r in sure)} positive, {sum(r < 0 for r in sure)} negative)" if sure else ""
    many = "is" if len(sure) == 1 else "are"
    return (
        f"Of {counted(len(rows), 'correlation')} between a diversity and this improvement, {len(sure)} {many} "
        f"significant{signs}, which here means that the 95 % interval leaves out zero and the false discovery rate q "
        "is at most 0.05. Ensembles share members and images, so ordinary p-values would be far too small; these come "
        "from permuting the members."
    )


def numbers(row: Row) -> str:
    """`r = +0.70 (95 % interval −0.01 to 0.94, p = 0.050, q = 0.075)`, without the parts that have no value."""
    parts = []
    if not (missing(row["ci_low"]) or missing(row["ci_high"])):
        parts.append(f"95 % interval {plain(row['ci_low'])} to {plain(row['ci_high'])}")
    parts += [probability(name, row[f"{name}_value"]) for name in "pq" if not missing(row[f"{name}_value"])]
    return f"r = {signed(row['pearson'])}" + (f" ({', '.join(parts)})" if parts else "")


def probability(name: str, value: float) -> str:
    """`p = 0.012`, or `p < 0.001`."""
    return f"{name} < 0.001" if value < 0.0005 else f"{name} = {value:.3f}"


def compared(lead: float) -> str:
    """A difference in words, after rounding to what is printed."""
    if round(lead, 1) == 0:
        return "as accurate as" if abs(lead) < 1e-9 else "less than 0.1 points from"
    return f"{plain(abs(lead), 1)} points {'better' if lead > 0 else 'worse'} than"


def counted(number: int, noun: str) -> str:
    """`1 ensemble`, `247 ensembles`, `32 752 ensembles`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}".replace(",", "\u202f")


def listed(words: Any) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *before, last = list(words)
    return f"{', '.join(before)} and {last}" if before else last


def _name(measure: str) -> str:
    """A measure in the middle of a sentence: only its first letter may change (CKA, Jensen-Shannon)."""
    title = quantity(measure).title
    return title if measure == "js_divergence" else title[:1].lower() + title[1:]


def _mean(values: pl.Series) -> float:
    present = values.drop_nulls().to_numpy()
    return float(present.mean()) if len(present) else float("nan")


def _average(rows: Sequence[Row], column: str) -> float:
    return sum(row[column] for row in rows) / len(rows)
