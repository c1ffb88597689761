"""From the files of a study to the verdicts on all observations, as a table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch

from scripts.lib.ensembles.group_quantities import ensemble_accuracy
from scripts.lib.ensembles.halves import Halves, load_ensembles, load_members
from scripts.lib.inference.predictions import load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.shards import HALVES
from scripts.lib.jobs.storage import load_table
from scripts.lib.measures.pairwise import pairwise_sums, values
from scripts.lib.measures.recorded import Recorded
from scripts.lib.measures.spec import MEASURES
from scripts.lib.measures.tables import load_matrices
from scripts.lib.observations import (
    architectures_or_ncl,
    attribution_diversity,
    balanced_loss,
    resilience_of_ensembles,
    resilience_of_members,
)
from scripts.lib.observations.groups_of_study import Results as ResultsOfGroups
from scripts.lib.observations.groups_of_study import ways_of
from scripts.lib.observations.verdict import Estimate, Verdict
from scripts.lib.statistics.robustness import Counts

PREDICTIONS, ATTRIBUTIONS = "disagreement", "attribution_similarity"
SCHEMA: dict[str, Any] = {
    "observation": pl.String,
    "statistic": pl.String,
    "dataset": pl.String,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_value": pl.Float64,
    "members": pl.UInt16,
    "seeds": pl.UInt16,
    "verdict": pl.String,
    "reason": pl.String,
}


@dataclass(frozen=True)
class StudyFiles:
    """Where the evidence of a study is; lists are in the order of `datasets`, of which the first one is not shifted.

    `attributions` are the pairwise tables of attribution similarity, and `with_attributions` the members that they
    compare; both are empty in a study without this measure. `groups` are the results of groups of members that were
    trained together, if there are some.
    """

    datasets: Sequence[str]
    members: Sequence[str]
    described: str
    accuracies: Sequence[str]
    halves: Sequence[str]
    predictions: Sequence[RecordedFiles]
    attributions: Sequence[str]
    with_attributions: Sequence[str]
    groups: Sequence[str] = ()


@dataclass(frozen=True)
class Decision:
    """How a verdict is reached: how ensembles decide, how many orders of members are tried, and with which seed."""

    consensus: str
    permutations: int
    seed: int


@dataclass(frozen=True)
class Results:
    """Correct answers of the members and of the ensembles on one validation set, in halves."""

    members: Halves
    ensembles: Halves


def verdicts_table(files: StudyFiles, chosen: np.ndarray, study: Mapping[str, Any], decision: Decision) -> pl.DataFrame:
    """One row per number that belongs to an observation; the row with a `verdict` decides it.

    `chosen` bool [E, M] are the ensembles of the study, in its order, and `study` has its `members` and `groups`.
    Numbers over several sets have no `dataset`. Raises StudyError for files that do not fit.
    """
    order = np.argsort(chosen.sum(1), kind="stable")
    rows = order[chosen.sum(1)[order] > 1]
    results = list(_results(files, len(chosen), decision.consensus, rows))
    described = load_table(files.described).sort("position")
    families = described["family"].to_list()
    found = [
        resilience_of_members.verdict(_members(described, results), decision.permutations, decision.seed),
        resilience_of_ensembles.verdict(families, chosen[rows], _shifted_sets(files.datasets, results)),
        _on_attributions(files, chosen[rows], results),
        *_on_groups(files, described, study, decision.consensus),
    ]
    return table_of(found)


def _on_groups(
    files: StudyFiles, described: pl.DataFrame, study: Mapping[str, Any], consensus: str
) -> tuple[Verdict, Verdict]:
    """The verdicts on members that were trained together."""
    ways = ways_of(study["groups"], {member["id"]: member for member in study["members"]}, described)
    results = ResultsOfGroups([load_table(path) for path in files.groups], files.datasets)
    return balanced_loss.verdict(ways, results, ensemble_accuracy(consensus)), architectures_or_ncl.verdict(
        ways, results
    )


def table_of(verdicts: Sequence[Verdict]) -> pl.DataFrame:
    """The rows of `verdicts.parquet`."""
    rows = [row for verdict in verdicts for row in _rows(verdict)]
    return pl.DataFrame(rows, schema=SCHEMA).with_columns(pl.selectors.float().fill_nan(None))


def _rows(verdict: Verdict) -> Iterator[dict[str, Any]]:
    number = verdict.observation.number
    count = {"members": verdict.members, "seeds": verdict.seeds or None}
    deciding = {"verdict": verdict.verdict, "reason": verdict.reason or None}
    yield {"observation": number, **_row(verdict.deciding), **count, **deciding}
    yield from ({"observation": number, **_row(each), **count} for each in verdict.others)


def _row(estimate: Estimate) -> dict[str, Any]:
    return {
        "statistic": estimate.statistic,
        "dataset": estimate.dataset or None,
        "estimate": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "p_value": estimate.p_value,
    }


def _results(files: StudyFiles, ensembles: int, consensus: str, rows: np.ndarray) -> Iterator[Results]:
    for accuracies, halves in zip(files.accuracies, files.halves, strict=True):
        members = load_members(accuracies)
        found = load_ensembles(halves, int(members.samples.sum()), ensembles)
        yield Results(members, Halves(found.samples, {"right": found.right[consensus][:, rows]}, None))


def _members(described: pl.DataFrame, results: Sequence[Results]) -> resilience_of_members.Members:
    halves = [_counts_of_halves(of_set.members) for of_set in results]
    parameters = described["parameters"].cast(pl.Float64).to_numpy()
    return resilience_of_members.Members(described["family"].to_list(), parameters, halves[0], halves[1:])


def _counts_of_halves(results: Halves) -> tuple[Counts, Counts]:
    even, odd = (
        Counts(right, int(samples)) for right, samples in zip(results.right["right"], results.samples, strict=True)
    )
    return even, odd


def _counts(results: Halves) -> Counts:
    return Counts(results.right["right"].sum(0), int(results.samples.sum()))


def _shifted_sets(datasets: Sequence[str], results: Sequence[Results]) -> list[resilience_of_ensembles.ShiftedSet]:
    clean, *shifted = results
    return [
        resilience_of_ensembles.ShiftedSet(
            name, _counts(of_set.members), _counts(of_set.ensembles), _counts(clean.members), _counts(clean.ensembles)
        )
        for name, of_set in zip(datasets[1:], shifted, strict=True)
    ]


def _on_attributions(files: StudyFiles, chosen: np.ndarray, results: Sequence[Results]) -> Verdict:
    positions = [files.members.index(member) for member in files.with_attributions]
    others = np.delete(np.arange(chosen.shape[1]), positions)
    rows = np.flatnonzero(~chosen[:, others].any(1))
    if not files.attributions:  # no such measure, so nothing to read
        return attribution_diversity.verdict(chosen[:0, :0], [])
    datasets = [
        attribution_diversity.Diversities(name, *both, of_set.ensembles.accuracies()["right"][:, rows])
        for name, both, of_set in zip(files.datasets, _diversities(files, positions), results, strict=True)
    ]
    return attribution_diversity.verdict(chosen[rows][:, positions], datasets)


def _diversities(files: StudyFiles, positions: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of attributions and of predictions, on the images with attributions, float64 [2, M, M] each."""
    similarity, disagreement = MEASURES[ATTRIBUTIONS], MEASURES[PREDICTIONS]
    columns, members = [f"value_{half}" for half in HALVES], files.with_attributions
    for path, recorded in zip(files.attributions, files.predictions, strict=True):
        attributions = similarity.as_diversity(load_matrices(path, members, members, columns))
        images = int(load_table(path, ["samples"])["samples"][0])
        logits = load_predictions(recorded).logits
        first = Recorded([logits[position][:images] for position in positions])
        title = f"{PREDICTIONS} on the images with attributions of {recorded.dataset}"
        found = values(disagreement, pairwise_sums(disagreement, first, range(images), torch.device("cpu"), title))
        yield attributions, np.stack([found[column].cpu().numpy() for column in columns])


def files_of_study(
    inputs: Mapping[str, Any], datasets: Sequence[str], members: Sequence[str], with_attributions: Sequence[str]
) -> StudyFiles:
    """From the inputs of the rule, which are lists in the order of the datasets."""
    kinds = ("records", "arrays", "labels", "samples", "set_record", "classes")
    recorded = [
        RecordedFiles.declared(dataset, members, {kind: inputs[kind][place] for kind in kinds})
        for place, dataset in enumerate(datasets)
    ]
    return StudyFiles(
        datasets,
        members,
        str(inputs["members"]),
        inputs["accuracies"],
        inputs["halves"],
        recorded,
        inputs["attributions"],
        with_attributions,
        inputs["groups"],
    )
