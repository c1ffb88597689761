from scripts.lib.jobs.job import job
from scripts.lib.training.dino import pretrain_backbone
from scripts.lib.training.job import TrainingJob, start_training

with job(snakemake):
    start_training(pretrain_backbone, TrainingJob.of_rule(snakemake.params.backbone, snakemake))
