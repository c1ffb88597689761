from scripts.lib.datasets.validation_images import class_names
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_json

with job(snakemake):
    save_json(snakemake.output[0], class_names(snakemake.params.datasets, snakemake.params.dataset))
