from scripts.lib.correlations import Diversity, correlations_table
from scripts.lib.job import job
from scripts.lib.measures import MEASURES, pairwise_matrix
from scripts.lib.storage import load_table, save_table

with job(snakemake):
    params, tables = snakemake.params, iter(snakemake.input.pairwise)  # by dataset, and within it by measure
    datasets = {}
    for dataset, ensembles in zip(params.datasets, snakemake.input.ensembles, strict=True):
        matrices = {measure: pairwise_matrix(load_table(next(tables)), params.members) for measure in params.measures}
        diversities = [Diversity.of_measure(MEASURES[measure], matrix) for measure, matrix in matrices.items()]
        datasets[dataset] = (load_table(ensembles), diversities)
    table = correlations_table(datasets, len(params.members), params.permutations, params.seed)
    save_table(snakemake.output[0], table)
