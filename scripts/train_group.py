from scripts.lib.jobs.job import job
from scripts.lib.training.group import train_group
from scripts.lib.training.job import TrainingJob, start_training

with job(snakemake):
    start_training(train_group, TrainingJob.of_rule(snakemake.params.group, snakemake))
