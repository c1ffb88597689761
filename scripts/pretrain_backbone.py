from scripts.lib.job import job
from scripts.lib.training_jobs import start_job

with job(snakemake):
    start_job("pretrain_backbone", snakemake.params.backbone, snakemake)
