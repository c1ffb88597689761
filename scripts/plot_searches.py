from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.figures.searches import plot_searches

with job(snakemake):
    plot_searches(snakemake.input.searches, Path(snakemake.output[0]).parent)
