from scripts.lib.jobs.job import job
from scripts.lib.training.job import TrainingJob, start_training
from scripts.lib.training.linear_classifier import train_linear_classifier

with job(snakemake):
    start_training(train_linear_classifier, TrainingJob.of_rule(snakemake.params.member, snakemake))
