from scripts.lib.ensembles.subsets import subsets
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table
from scripts.lib.statistics.split_evidence import read_split_evidence
from scripts.lib.statistics.variance_shares import variance_shares_table

with job(snakemake):
    params, files = snakemake.params, dict(snakemake.input.items())
    settings = params.ensembles
    chosen = subsets(len(params.members), settings["sizes"], settings["per_size"], params.seed)
    evidence = read_split_evidence(files, params.datasets, params.members, params.compared, len(chosen))
    save_table(snakemake.output[0], variance_shares_table(evidence, chosen))
