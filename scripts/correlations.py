from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table
from scripts.lib.statistics.correlations import correlations_table
from scripts.lib.statistics.evidence import read_evidence

with job(snakemake):
    params, files = snakemake.params, dict(snakemake.input.items())
    evidence = read_evidence(files, params.datasets, params.members, params.compared, params.improvements)
    save_table(snakemake.output[0], correlations_table(evidence, params.permutations, params.seed))
