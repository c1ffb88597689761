"""Paragraphs of plain text that say what a study found. Every statement in them follows from the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from scripts.lib.report.findings_calibration import on_calibration
from scripts.lib.report.findings_diversity import Row, on_correlations, on_differences, on_effects, on_nll
from scripts.lib.report.findings_scores import COLUMNS as COLUMNS_OF_SCORES
from scripts.lib.report.findings_scores import on_scores
from scripts.lib.report.findings_shift import on_shift
from scripts.lib.report.findings_variance import on_variance
from scripts.lib.report.labels import consensus_title, counted, in_words, listed, missing, plain, signed
from scripts.lib.report.shift import ShiftTables
from scripts.lib.report.variance_tables import terms_together

# What `Tables.ensembles` needs of a table of ensembles, which may have millions of rows.
COLUMNS = ["size", "consensus", "accuracy", "improvement_over_mean", *COLUMNS_OF_SCORES]
COLUMNS_OF_FIRST = [*COLUMNS, "members"]  # of the first dataset


@dataclass(frozen=True)
class Tables:
    """The tables behind the text. Datasets are in the order of the study; the first one is not shifted.

    `ensembles` has those that decide by `consensus`.
    """

    members: Sequence[str]
    accuracies: Mapping[str, pl.DataFrame]
    ensembles: Mapping[str, pl.DataFrame]
    effects: pl.DataFrame
    differences: pl.DataFrame
    variance_shares: pl.DataFrame
    correlations: pl.DataFrame
    temperatures: pl.DataFrame
    calibration: Mapping[str, pl.DataFrame]
    consensus: str
    improvement: str = "over_mean"
    shift: ShiftTables | None = None  # if there is more than one dataset
    doubts: Sequence[str] = ()  # sentences on files that are probably mistaken

    @property
    def first(self) -> str:
        return next(iter(self.accuracies))

    @property
    def others(self) -> list[str]:
        return list(self.accuracies)[1:]

    def chosen(self, dataset: str) -> pl.DataFrame:
        """Ensembles of two and more members."""
        return self.ensembles[dataset].filter(pl.col("size") > 1)

    def estimated(self, outcome: str) -> list[Row]:
        """The effects on an outcome that have a value."""
        rows = self.effects.filter(consensus=self.consensus, outcome=outcome)
        return [row for row in rows.iter_rows(named=True) if not missing(row["partial"])]

    def divided(self, dataset: str) -> list[Row]:
        """The terms of the variance of accuracy that are shown together."""
        return terms_together(self.variance_shares.filter(dataset=dataset, consensus=self.consensus))

    def correlated(self, datasets: Sequence[str]) -> list[Row]:
        """The correlations over all sizes that have a value."""
        rows = self.correlations.filter(size="all", consensus=self.consensus, improvement=self.improvement)
        return [row for row in rows.iter_rows(named=True) if row["dataset"] in datasets and not missing(row["pearson"])]


@dataclass(frozen=True)
class Finding:
    """A paragraph under its title; `name` is its anchor in the page."""

    name: str
    title: str
    text: str


def findings(tables: Tables) -> list[str]:
    """The paragraphs of `titled_findings`."""
    return [finding.text for finding in titled_findings(tables)]


def titled_findings(tables: Tables) -> list[Finding]:
    """What ensembles gain, how far confidence can be trusted, what diversity does beyond accuracy, how the variance of
    accuracy divides (if this could be computed), plain correlations, and shift."""
    datasets = list(tables.accuracies)
    found: tuple[tuple[str, str, Sequence[str]], ...] = (
        ("ensembles", "What ensembles gain", _on_ensembles(tables)),
        (
            "confidence",
            "How far probabilities can be trusted",
            on_calibration(tables.temperatures, tables.calibration, tables.members),
        ),
        (
            "diversity",
            "Diversity beyond accuracy and confidence",
            [
                *on_effects(tables.estimated("accuracy"), datasets),
                *on_differences(tables.differences.filter(consensus=tables.consensus, outcome="accuracy")),
                *on_nll(tables.estimated("nll")),
            ],
        ),
        ("variance", "What differences in accuracy go with", on_variance(tables.divided(tables.first), tables.first)),
        ("correlations", "Plain correlations", on_correlations(tables.correlated(datasets), datasets)),
        (
            "shift",
            "A choice on the clean set, under shift",
            on_shift(tables.shift, tables.members, tables.consensus) if tables.shift else [],
        ),
    )
    return [
        Finding(name, title, unbroken(" ".join(filter(None, sentences))))
        for name, title, sentences in found
        if sentences
    ]


def unbroken(text: str) -> str:
    """Keep a number and its percent sign, or `r = 0.5`, on one line."""
    return text.replace(" %", "\u00a0%").replace(" = ", "\u00a0=\u00a0").replace(" < ", "\u00a0<\u00a0")


def _on_ensembles(tables: Tables) -> list[str]:
    return [
        _scope(tables),
        _member_accuracies(tables),
        _best_ensemble(tables),
        _leads_elsewhere(tables),
        _gains(tables),
        *on_scores({dataset: tables.chosen(dataset) for dataset in tables.accuracies}, tables.accuracies),
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
        f"On {in_words(tables.first)}, their top-1 accuracy is between {plain(first['accuracy'][0], 1)} % "
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
        return f"{text}; on {in_words(lowest)}, this average {verb} {plain(average, 1)} %."
    return (
        f"{text}; on the other {len(means)} sets ({listed(map(in_words, means))}), this average {verb} "
        f"{plain(average, 1)} %. The hardest set is {in_words(lowest)} ({plain(means[lowest], 1)} %)."
    )


def _best_ensemble(tables: Tables) -> str:
    table = tables.chosen(tables.first)
    if table.is_empty():
        return ""
    top = table.filter(pl.col("accuracy") == table["accuracy"].max()).sort("size", maintain_order=True)
    best, lead = top.row(0, named=True), _lead(tables, tables.first)
    alone = tables.accuracies[tables.first].sort("accuracy", "position", descending=[True, False]).row(0, named=True)
    names = listed(tables.members[position] for position in best["members"])
    equals = f" ({counted(len(top) - 1, 'other ensemble')} reached the same accuracy)" if len(top) > 1 else ""
    return (
        f"The best ensemble on {in_words(tables.first)}, with {consensus_title(tables.consensus)}, is {names} "
        f"with {plain(best['accuracy'], 1)} %{equals}: {compared(lead)} the best single member, {alone['member']}. "
        "It was chosen on the same images on which its accuracy is measured, so this accuracy is an optimistic "
        "estimate."
    )


def _leads_elsewhere(tables: Tables) -> str:
    leads = {dataset: _lead(tables, dataset) for dataset in tables.others if len(tables.chosen(dataset))}
    if not leads:
        return ""
    each = listed(f"{signed(lead, 1)} on {in_words(dataset)}" for dataset, lead in leads.items())
    return f"On each other set, the best ensemble minus the best single member is, in percentage points, {each}."


def _lead(tables: Tables, dataset: str) -> float:
    """Percentage points between the best ensemble and the best single member of the whole study."""
    ensembles, members = (
        table["accuracy"].to_numpy() for table in (tables.chosen(dataset), tables.accuracies[dataset])
    )
    return float(ensembles.max() - members.max())


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
    shares = f"{low} of the ensembles" if low == high else f"Depending on the set, {low} to {high} of the ensembles"
    return (
        f"Averaged over all ensembles, the improvement over the mean member is, in percentage points, {gains}. "
        f"{shares} are more accurate than the best of their own members."
    )


def compared(lead: float) -> str:
    """A difference in words, after rounding to what is printed."""
    if round(lead, 1) == 0:
        return "as accurate as" if abs(lead) < 1e-9 else "less than 0.1 percentage points from"
    return f"{plain(abs(lead), 1)} percentage points {'better' if lead > 0 else 'worse'} than"


def _mean(values: pl.Series) -> float:
    present = values.drop_nulls().to_numpy()
    return float(present.mean()) if len(present) else float("nan")
