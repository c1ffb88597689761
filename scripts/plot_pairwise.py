from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.figures.pairwise import plot_pairwise

with job(snakemake):
    plot_pairwise(snakemake.input.pairwise, Path(snakemake.output[0]).parent)
