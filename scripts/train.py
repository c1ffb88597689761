from scripts.lib.jobs.job import job
from scripts.lib.training.job import TrainingJob, start_training
from scripts.lib.training.supervised import train_member

with job(snakemake):
    start_training(train_member, TrainingJob.of_rule(snakemake.params.member, snakemake))
