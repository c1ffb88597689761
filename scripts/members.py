from pathlib import Path

from scripts.lib.device import choose_device
from scripts.lib.job import job
from scripts.lib.members_table import members_table
from scripts.lib.storage import load_json, save_table

with job(snakemake):
    files = snakemake.input
    records = {Path(path).stem: load_json(path) for path in [*files.records, *files.predictions]}
    choose_device("cpu", snakemake.threads)
    save_table(snakemake.output[0], members_table(snakemake.params.members, records))
