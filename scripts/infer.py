from dataclasses import asdict
from functools import partial
from pathlib import Path

from scripts.lib.datasets.validation_sets import load_validation_set
from scripts.lib.inference.infer import InferenceSettings, TrainedMember, infer
from scripts.lib.jobs.checksums import recorded_checksums, require_undamaged
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.finished_parts import FinishedParts
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import digest_of_file, load_json
from scripts.lib.networks.weights import load_trained

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    require_undamaged(files.record, weights=files.weights)
    record = load_json(files.record)
    device = choose_device(params.device, snakemake.threads)
    network = load_trained(record, files.weights, device)
    member = TrainedMember(record["member"], network, digest_of_file(files.weights))
    settings = InferenceSettings(params.attributions, params.activation_samples)
    finished = FinishedParts(params.finished_parts)
    sets = zip(params.datasets, files.images, files.labels, files.samples, files.set_records, strict=True)
    for dataset, images, labels, samples, set_record in sets:
        key = {
            "dataset": dataset,
            "set": recorded_checksums(set_record),
            "member": member.settings,
            "weights": member.weights_digest,
            "settings": asdict(settings),
            "device": device.type,
            "code": params.code,
        }
        validation = load_validation_set(images, labels, samples, set_record)
        output = Path(snakemake.output[0], dataset)
        finished.provide(key, output, partial(infer, member, dataset, validation, settings, device))
    finished.remove_others()
