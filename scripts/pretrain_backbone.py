from scripts.lib.datasets import check_samples, load_validation_set, training_images
from scripts.lib.device import choose_device
from scripts.lib.dino import pretrain
from scripts.lib.job import job
from scripts.lib.storage import load_lines

with job(snakemake):
    training = training_images(snakemake.params.datasets)
    check_samples(training, load_lines(snakemake.input.training_samples))
    pretrain(
        snakemake.params.backbone,
        training,
        load_validation_set(snakemake.input.images, snakemake.input.labels, snakemake.input.samples),
        choose_device(snakemake.params.device, snakemake.threads),
        snakemake.params.workers,
        snakemake.output.weights,
        snakemake.output.record,
        snakemake.params.resume,
    )
