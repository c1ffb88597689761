from scripts.lib.datasets.validation_sets import load_validation_set
from scripts.lib.inference.infer import InferenceOutputs, infer
from scripts.lib.jobs.checksums import require_undamaged
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import digest_of_file, load_json
from scripts.lib.networks.weights import load_trained

with job(snakemake):
    files = snakemake.input
    require_undamaged(files.record, weights=files.weights)
    record = load_json(files.record)
    device = choose_device(snakemake.params.device, snakemake.threads)
    infer(
        record["member"],
        load_trained(record, files.weights, device),
        snakemake.wildcards.dataset,
        load_validation_set(files.images, files.labels, files.samples, files.set_record),
        snakemake.params.attributions,
        snakemake.params.activation_samples,
        device,
        digest_of_file(files.weights),
        InferenceOutputs(**dict(snakemake.output.items())),
    )
