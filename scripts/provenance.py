from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.jobs.provenance import provenance
from scripts.lib.jobs.storage import save_json

with job(snakemake):
    save_json(snakemake.output[0], provenance(Path(snakemake.output[0]).parent, list(snakemake.input.tables)))
