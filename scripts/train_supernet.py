from scripts.lib.datasets import check_samples, training_images
from scripts.lib.device import choose_device
from scripts.lib.job import job
from scripts.lib.storage import load_lines
from scripts.lib.supernet_training import train_supernet

with job(snakemake):
    training = training_images(snakemake.params.datasets)
    check_samples(training, load_lines(snakemake.input.training_samples))
    train_supernet(
        snakemake.params.supernet,
        snakemake.params.base_weights,
        training,
        snakemake.params.datasets,
        choose_device(snakemake.params.device, snakemake.threads),
        snakemake.params.workers,
        snakemake.output.weights,
        snakemake.output.record,
        snakemake.output.stages,
        snakemake.params.resume,
    )
