from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.jobs.provenance import provenance
from scripts.lib.jobs.storage import save_json

with job(snakemake):
    files = snakemake.input
    found = provenance(Path(files.study).parent, list(files.predictions), list(files.tables))
    save_json(snakemake.output[0], found)
