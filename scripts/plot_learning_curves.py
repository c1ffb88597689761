from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.figures.learning_curves import plot_learning_curves

with job(snakemake):
    plot_learning_curves(snakemake.input.checkpoints, Path(snakemake.output[0]).parent)
