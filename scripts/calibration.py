from scripts.lib.calibration.tables import calibration_tables
from scripts.lib.inference.predictions import load_labels, load_predictions
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_table, save_table

with job(snakemake):
    params, inputs = snakemake.params, dict(snakemake.input.items())
    device = choose_device(params.device, snakemake.threads)
    predictions = load_predictions(RecordedFiles.declared(snakemake.wildcards.dataset, params.members, inputs))
    labels, temperatures = load_labels(inputs["labels"], predictions), load_table(inputs["temperatures"])
    table, curves = calibration_tables(predictions, labels, temperatures, params.share, params.seed, device)
    save_table(snakemake.output.table, table)
    save_table(snakemake.output.curves, curves)
