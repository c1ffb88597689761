from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.figures.supernets import plot_supernets

with job(snakemake):
    plot_supernets(snakemake.input.stages, Path(snakemake.output[0]).parent)
