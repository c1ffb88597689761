from pathlib import Path

from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.finished_parts import RECORD
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json, save_table
from scripts.lib.members.table import members_table

with job(snakemake):
    files, dataset = snakemake.input, snakemake.params.dataset
    # Members whose network is not known have a record of each validation set; what it says of costs is the same.
    predicted = {Path(folder).name: load_json(Path(folder, dataset, RECORD)) for folder in files.predictions}
    trained = [*files.records, *(path for group in files.groups for path in Path(group).glob("*.json"))]
    records = {Path(path).stem: load_json(path) for path in trained} | predicted
    choose_device("cpu", snakemake.threads)
    save_table(snakemake.output[0], members_table(snakemake.params.members, records))
