from scripts.lib.jobs.job import job
from scripts.lib.training.entry import start_job

with job(snakemake):
    start_job("train_member", snakemake.params.member, snakemake)
