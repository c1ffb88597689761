from scripts.lib.datasets.training_images import check_samples, training_images
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import require_undamaged
from scripts.lib.supernets.train import train_supernet

with job(snakemake):
    base_weights, base_record = snakemake.input.get("base_weights"), snakemake.input.get("base_record")
    if base_record:
        require_undamaged(base_record, weights=base_weights)
    training = training_images(snakemake.params.datasets)
    check_samples(training, snakemake.input.training_samples, snakemake.input.training_record)
    train_supernet(
        snakemake.params.supernet,
        base_weights,
        training,
        snakemake.params.datasets,
        choose_device(snakemake.params.device, snakemake.threads),
        snakemake.params.workers,
        snakemake.output.weights,
        snakemake.output.record,
        snakemake.output.stages,
        snakemake.params.resume,
    )
