from pathlib import Path

from scripts.lib.job import job
from scripts.lib.plots.learning_curves import plot_learning_curves

with job(snakemake):
    plot_learning_curves(snakemake.input.checkpoints, Path(snakemake.output[0]).parent)
