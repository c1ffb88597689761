from scripts.lib.datasets.training_images import check_training_images
from scripts.lib.jobs.job import job

with job(snakemake):
    check_training_images(snakemake.params.datasets, snakemake.params.pictures, **dict(snakemake.output.items()))
