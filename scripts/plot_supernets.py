from pathlib import Path

from scripts.lib.job import job
from scripts.lib.plots.supernets import plot_supernets

with job(snakemake):
    plot_supernets(snakemake.input.stages, Path(snakemake.output[0]).parent)
