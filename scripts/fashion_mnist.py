from pathlib import Path

from scripts.lib.datasets.fashion_mnist import fetch
from scripts.lib.jobs.job import job

with job(snakemake):
    fetch(snakemake.params.folder, Path(snakemake.output[0]).parent)
