from scripts.lib.job import job
from scripts.lib.storage import save_json

with job(snakemake):
    save_json(snakemake.output[0], snakemake.params.study)
