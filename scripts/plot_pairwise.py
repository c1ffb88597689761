from pathlib import Path

from scripts.lib.job import job
from scripts.lib.plots.pairwise import plot_pairwise

with job(snakemake):
    plot_pairwise(snakemake.input.pairwise, Path(snakemake.output[0]).parent)
