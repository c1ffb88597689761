from pathlib import Path

from scripts.lib.job import job
from scripts.lib.provenance import archive

with job(snakemake):
    archive(Path(snakemake.input[0]).parent, snakemake.output[0])
