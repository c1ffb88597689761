"""What a study found about probabilities, in plain sentences. Every statement in them follows from the tables."""

from collections.abc import Mapping

import polars as pl

from scripts.lib.jobs.errors import listing
from scripts.lib.report.labels import counted, in_words, listed, plain, signed
from scripts.lib.report.tables import whole

# What `on_scores` needs of a table of ensembles.
COLUMNS = ["improvement_over_best", "nll_improvement_over_mean", "nll_improvement_over_best"]


def on_scores(ensembles: Mapping[str, pl.DataFrame], accuracies: Mapping[str, pl.DataFrame]) -> list[str]:
    """Sentences on the negative log-likelihood of `ensembles` by dataset; none if their consensus has no probabilities.

    `accuracies` are the tables of members by dataset.
    """
    scored = {dataset: table.drop_nulls("nll_improvement_over_mean") for dataset, table in ensembles.items()}
    scored = {dataset: table for dataset, table in scored.items() if len(table)}
    return [_gains(scored), _worse_probabilities(scored), one_hot_members(accuracies)] if scored else []


def _gains(ensembles: Mapping[str, pl.DataFrame]) -> str:
    gains = listed(
        f"{signed(float(table['nll_improvement_over_mean'].to_numpy().mean()), 3)} on {in_words(dataset)}"
        for dataset, table in ensembles.items()
    )
    return (
        "The probabilities of ensembles are judged by the negative log-likelihood (NLL): averaged over all ensembles, "
        f"its improvement over the mean member is, in nats, {gains}."
    )


def _worse_probabilities(ensembles: Mapping[str, pl.DataFrame]) -> str:
    """How many ensembles win in accuracy and lose in probabilities, each against the best of their members."""
    better = {name: table.filter(pl.col("improvement_over_best") > 0) for name, table in ensembles.items()}
    worse = {name: len(table.filter(pl.col("nll_improvement_over_best") < 0)) for name, table in better.items()}
    shares = [
        f"{plain(100 * worse[name] / len(table), 1)} % ({whole(worse[name])} of {counted(len(table), 'ensemble')}) on "
        f"{in_words(name)}"
        for name, table in better.items()
        if len(table)
    ]
    if not shares:
        return "No ensemble is more accurate than the best of its members."
    return (
        "Among the ensembles that are more accurate than the best of their members, the share whose NLL is worse "
        f"(larger) than that of their best member by NLL is {listed(shares)}."
    )


def one_hot_members(accuracies: Mapping[str, pl.DataFrame]) -> str:
    """A sentence on the members that give classes instead of probabilities on every dataset; empty if none does."""
    one_hot = [set(table.filter(pl.col("one_hot") == pl.col("samples"))["member"]) for table in accuracies.values()]
    always = set.intersection(*one_hot)
    members = [name for name in next(iter(accuracies.values())).sort("position")["member"] if name in always]
    if not members:
        return ""
    names = listed(members) if len(members) <= 5 else listing(members, 5)
    verb = "gives" if len(members) == 1 else "give"
    return (
        f"{counted(len(members), 'member')} ({names}) {verb} classes instead of probabilities: one class has a "
        "probability of 1 on every sample. The NLL, the Brier score and the calibration error of such a member, and of "
        "ensembles with it, say little about its probabilities."
    )
