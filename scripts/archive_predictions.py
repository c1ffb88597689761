from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.jobs.provenance import archive

with job(snakemake):
    archive(Path(snakemake.input.study).parent, list(snakemake.input), snakemake.output[0])
