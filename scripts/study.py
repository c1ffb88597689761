from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_json

with job(snakemake):
    save_json(snakemake.output[0], snakemake.params.study)
