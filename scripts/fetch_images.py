from pathlib import Path

from scripts.lib.datasets.spec import DATASET_KINDS
from scripts.lib.jobs.job import job

with job(snakemake):
    DATASET_KINDS[snakemake.params.kind].fetch(snakemake.params.folder, Path(snakemake.output[0]).parent)
