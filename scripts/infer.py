from scripts.lib.datasets import load_validation_set
from scripts.lib.device import choose_device
from scripts.lib.inference import infer
from scripts.lib.job import job
from scripts.lib.members import load_trained
from scripts.lib.storage import digest_of_file, load_json

with job(snakemake):
    record = load_json(snakemake.input.record)
    device = choose_device(snakemake.params.device, snakemake.threads)
    infer(
        record["member"],
        load_trained(record, snakemake.input.weights, device),
        snakemake.wildcards.dataset,
        load_validation_set(snakemake.input.images, snakemake.input.labels, snakemake.input.samples),
        snakemake.params.attributions,
        snakemake.params.activation_samples,
        device,
        digest_of_file(snakemake.input.weights),
        snakemake.output,
    )
