from scripts.lib.datasets.training_images import check_samples, training_images
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json, require_undamaged
from scripts.lib.supernets.extract import extract_subnet

with job(snakemake):
    require_undamaged(snakemake.input.record, weights=snakemake.input.weights)
    training = training_images(snakemake.params.datasets)
    check_samples(training, snakemake.input.training_samples, snakemake.input.training_record)
    extract_subnet(
        snakemake.params.member,
        snakemake.input.weights,
        load_json(snakemake.input.record),
        snakemake.input.get("search"),
        training,
        choose_device(snakemake.params.device, snakemake.threads),
        snakemake.output.weights,
        snakemake.output.record,
    )
