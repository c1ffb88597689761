from scripts.lib.datasets.training_images import checked_training_images
from scripts.lib.jobs.checksums import require_undamaged
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import digest_of_file
from scripts.lib.supernets.train import SupernetInputs, SupernetOutputs, train_supernet

with job(snakemake):
    params, inputs = snakemake.params, snakemake.input
    base_weights, base_record = inputs.get("base_weights"), inputs.get("base_record")
    if base_record:
        require_undamaged(base_record, weights=base_weights)
    training = checked_training_images(params.datasets, inputs.training_samples, inputs.training_record)
    device = choose_device(params.device, snakemake.threads)
    outputs = SupernetOutputs(**dict(snakemake.output.items()), resume=params.resume)
    given = SupernetInputs(training, digest_of_file(inputs.training_record), params.datasets, base_weights)
    train_supernet(params.supernet, given, device, params.workers, outputs)
