from scripts.lib.correlations import Evidence, correlations_table
from scripts.lib.job import job
from scripts.lib.measures import MEASURES, load_pairwise
from scripts.lib.storage import load_table, save_table

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    pairwise = iter(files.pairwise)  # by dataset, and within it by measure
    datasets = {}
    for dataset, ensembles, accuracies in zip(params.datasets, files.ensembles, files.accuracies, strict=True):
        measures = [MEASURES[name] for name in params.measures]
        datasets[dataset] = Evidence(
            load_table(ensembles),
            load_table(accuracies).sort("position")["accuracy"].to_numpy(),
            {m.diversity: m.as_diversity(load_pairwise(next(pairwise), params.members)) for m in measures},
        )
    save_table(snakemake.output[0], correlations_table(datasets, params.permutations, params.seed))
