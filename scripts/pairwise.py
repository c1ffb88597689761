from scripts.lib.device import choose_device
from scripts.lib.job import job
from scripts.lib.measures import MEASURES, load_recorded, pairwise_table
from scripts.lib.predictions import check_records, load_predictions
from scripts.lib.storage import save_table

with job(snakemake):
    dataset, members, files = snakemake.wildcards.dataset, snakemake.params.members, snakemake.input
    measure = MEASURES[snakemake.wildcards.measure]
    if measure.needs == "predictions":
        predictions = load_predictions(dataset, members, files.recorded, files.records, files.samples, files.classes)
        arrays = predictions.logits
    else:
        samples = check_records(dataset, members, files.records, files.samples)
        arrays = load_recorded(measure.needs, dataset, members, files.recorded, samples)
    matrix = measure.compute(arrays, choose_device(snakemake.params.device, snakemake.threads))
    save_table(snakemake.output[0], pairwise_table(matrix, members, len(arrays[0])))
