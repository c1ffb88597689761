from scripts.lib.calibration.tables import temperatures_table
from scripts.lib.inference.predictions import load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_table, save_table

with job(snakemake):
    params, inputs = snakemake.params, dict(snakemake.input.items())
    device = choose_device(params.device, snakemake.threads)
    predictions = load_predictions(RecordedFiles.declared(params.dataset, params.members, inputs))
    labels = load_labels(inputs["labels"], predictions)
    chosen = load_table(inputs["chosen"]).filter(consensus=params.consensus) if params.consensus else None
    save_table(snakemake.output[0], temperatures_table(predictions, labels, chosen, params.share, params.seed, device))
