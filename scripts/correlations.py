from collections.abc import Iterator

from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_table, save_table
from scripts.lib.measures.spec import MEASURES
from scripts.lib.measures.tables import load_pairwise
from scripts.lib.statistics.correlations import IMPROVEMENT, Evidence, correlations_table

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    measures = {MEASURES[name]: members for name, members in params.compared.items()}
    position = {member: number for number, member in enumerate(params.members)}
    columns = ["members", "consensus", *(f"{IMPROVEMENT}{name}" for name in params.improvements)]

    def evidence() -> Iterator[tuple[str, Evidence]]:
        """One dataset after the other, so that the ensembles of only one are in memory."""
        pairwise = iter(files.pairwise)  # by dataset, and within it by measure
        for dataset, ensembles, accuracies in zip(params.datasets, files.ensembles, files.accuracies, strict=True):
            yield (
                dataset,
                Evidence(
                    load_table(ensembles, columns),
                    load_table(accuracies).sort("position")["accuracy"].to_numpy(),
                    {
                        measure.diversity: measure.as_diversity(load_pairwise(next(pairwise), params.members, compared))
                        for measure, compared in measures.items()
                    },
                    {
                        measure.diversity: [position[name] for name in compared]
                        for measure, compared in measures.items()
                    },
                ),
            )

    save_table(snakemake.output[0], correlations_table(evidence(), params.permutations, params.seed))
