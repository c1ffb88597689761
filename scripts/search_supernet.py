from scripts.lib.datasets.training_images import checked_training_images
from scripts.lib.jobs.checksums import require_undamaged
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json
from scripts.lib.supernets.search import search_supernet

with job(snakemake):
    params, inputs = snakemake.params, snakemake.input
    require_undamaged(inputs.record, weights=inputs.weights)
    training = checked_training_images(params.datasets, inputs.training_samples, inputs.training_record)
    settings, device = load_json(inputs.record)["member"], choose_device(params.device, snakemake.threads)
    search_supernet(settings, inputs.weights, training, params.datasets, device, snakemake.output[0], params.resume)
