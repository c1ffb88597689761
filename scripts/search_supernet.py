from scripts.lib.datasets.training_images import check_samples, training_images
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json, require_undamaged
from scripts.lib.supernets.search import search_supernet

with job(snakemake):
    require_undamaged(snakemake.input.record, weights=snakemake.input.weights)
    training = training_images(snakemake.params.datasets)
    check_samples(training, snakemake.input.training_samples, snakemake.input.training_record)
    search_supernet(
        load_json(snakemake.input.record)["member"],
        snakemake.input.weights,
        training,
        snakemake.params.datasets,
        choose_device(snakemake.params.device, snakemake.threads),
        snakemake.output[0],
        snakemake.params.resume,
    )
