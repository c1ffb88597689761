"""How the variance of accuracy over ensembles divides: which rows are shown together, and the report's tables."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from scripts.lib.report.labels import consensus_title, in_words, missing, plain, term_title
from scripts.lib.report.tables import Table

Row = Mapping[str, Any]


def terms_together(table: pl.DataFrame) -> list[Row]:
    """The rows of one dataset and consensus that are shown together: one for each term.

    Those of the model with all measures; a measure that is in none, or only in one of fewer members, has the row of its
    own model. Size and accuracies have no row where every measure has only a model of its own. `added` is what a
    measure adds to size and accuracies alone: what is unique to it in its own model.
    """
    models = table.select("model", "members").unique(maintain_order=True)
    together = table.filter(model="all") if "all" in models["model"] else table.filter(len(models) == 1)
    together = together.filter(pl.col("members") == pl.col("members").max())
    own = table.filter(pl.col("model") == pl.col("term"))
    shown = pl.concat([together, own.filter(~pl.col("term").is_in(together["term"].implode()))])
    added = own.select("term", added="unique")
    return list(shown.join(added, on="term", how="left", maintain_order="left").iter_rows(named=True))


def variance_tables(shares: pl.DataFrame) -> Iterable[Table]:
    """For each consensus, the terms that are shown together, and each measure in a model of its own."""
    for (way,), table in shares.group_by("consensus", maintain_order=True):
        title = f"ensembles by {consensus_title(str(way))}"
        datasets = table.group_by("dataset", maintain_order=True)
        rows = [_term(row) for _, of_dataset in datasets for row in terms_together(of_dataset)]
        header = ["Dataset", "Term", "Share (%)", "95 % interval", "After all others (%)", "95 % interval", "Members"]
        yield Table(f"Variance of accuracy by term, {title}", header, rows, text_columns=2)
        header = ["Dataset", "Measure", "Size (%)", "Members' accuracies (%)", "Measure (%)", "95 % interval"]
        header += ["After the others (%)", "Not explained (%)"]
        models = table.filter(pl.col("model") != "all").group_by("dataset", "model", maintain_order=True)
        rows = [_model({row["term"]: row for row in model.iter_rows(named=True)}) for _, model in models]
        yield Table(f"Variance of accuracy, one measure at a time, {title}", header, rows, text_columns=2)


def _term(row: Row) -> list[str]:
    shares = [_percent(row["share"]), _limits(row["low"], row["high"])]
    unique = [_percent(row["unique"]), _limits(row["unique_low"], row["unique_high"])]
    return [in_words(row["dataset"]), term_title(row["term"]), *shares, *unique, str(row["members"])]


def _model(rows: Mapping[str, Row]) -> list[str]:
    """The terms of a model are size, members' accuracies, one measure, and what is not explained."""
    size, accuracies, measure, rest = rows.values()
    return [
        in_words(measure["dataset"]),
        term_title(measure["term"]),
        *(_percent(row["share"]) for row in (size, accuracies, measure)),
        _limits(measure["low"], measure["high"]),
        _percent(measure["unique"]),
        _percent(rest["share"]),
    ]


def _percent(share: float | None) -> str:
    return "–" if share is None or missing(share) else plain(100 * share, 1)


def _limits(low: float | None, high: float | None) -> str:
    return "–" if missing(low) or missing(high) else f"{_percent(low)} to {_percent(high)}"
