from scripts.lib.device import choose_device
from scripts.lib.job import job
from scripts.lib.measures import MEASURES, load_recorded, pairwise_table
from scripts.lib.predictions import check_records, load_predictions
from scripts.lib.storage import save_table

with job(snakemake):
    dataset, members = snakemake.wildcards.dataset, snakemake.params.members
    measure = MEASURES[snakemake.wildcards.measure]
    recorded, records, samples = snakemake.input.recorded, snakemake.input.records, snakemake.input.samples
    if measure.needs == "predictions":
        arrays = load_predictions(dataset, members, recorded, records, samples).logits
    else:
        check_records(dataset, members, records, samples)
        arrays = load_recorded(dataset, members, recorded)
    matrix = measure.compute(arrays, choose_device(snakemake.params.device, snakemake.threads))
    save_table(snakemake.output[0], pairwise_table(matrix, members, len(arrays[0])))
