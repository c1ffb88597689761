from scripts.lib.datasets import check_samples, training_images
from scripts.lib.device import choose_device
from scripts.lib.job import job
from scripts.lib.storage import load_json, load_lines
from scripts.lib.subnets import extract_subnet

with job(snakemake):
    training = training_images(snakemake.params.datasets)
    check_samples(training, load_lines(snakemake.input.training_samples))
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
