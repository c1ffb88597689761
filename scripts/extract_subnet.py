from scripts.lib.datasets.training_images import checked_training_images
from scripts.lib.jobs.checksums import require_undamaged
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json
from scripts.lib.supernets.extract import TrainedSupernet, extract_subnet

with job(snakemake):
    params, inputs, outputs = snakemake.params, snakemake.input, snakemake.output
    require_undamaged(inputs.record, weights=inputs.weights)
    training = checked_training_images(params.datasets, inputs.training_samples, inputs.training_record)
    supernet = TrainedSupernet(inputs.weights, load_json(inputs.record), inputs.get("search"))
    device = choose_device(params.device, snakemake.threads)
    extract_subnet(params.member, supernet, training, device, outputs.weights, outputs.record)
