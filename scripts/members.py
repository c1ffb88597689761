from pathlib import Path

from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json, save_table
from scripts.lib.members.table import members_table

with job(snakemake):
    files = snakemake.input
    records = {Path(path).stem: load_json(path) for path in [*files.records, *files.predictions]}
    choose_device("cpu", snakemake.threads)
    save_table(snakemake.output[0], members_table(snakemake.params.members, records))
