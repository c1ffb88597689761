from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.reading.align_predictions import import_predictions

with job(snakemake):
    files, members = snakemake.input, snakemake.params.members
    dataset = snakemake.wildcards.dataset
    paths = list(files)[: len(members)]
    folder, listing = Path(snakemake.output.folder), snakemake.output.listing
    import_predictions(members, paths, dataset, files.samples, files.classes, folder, listing, files.set_record)
