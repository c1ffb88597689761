from pathlib import Path

from scripts.lib.fashion_mnist import fetch
from scripts.lib.job import job

with job(snakemake):
    fetch(snakemake.params.folder, Path(snakemake.output[0]).parent)
