from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.figures.deployment import plot_deployment

with job(snakemake):
    plot_deployment(snakemake.input, Path(snakemake.output[0]).parent)
