from scripts.lib.job import job
from scripts.lib.training_jobs import start_job

with job(snakemake):
    start_job("train_linear_classifier", snakemake.params.member, snakemake)
