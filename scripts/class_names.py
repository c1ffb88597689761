from scripts.lib.datasets import class_names
from scripts.lib.job import job
from scripts.lib.storage import save_json

with job(snakemake):
    save_json(snakemake.output[0], class_names(snakemake.params.datasets, snakemake.params.dataset))
