from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.figures.best_ensembles import plot_best_ensembles

with job(snakemake):
    plot_best_ensembles(snakemake.input.best, snakemake.input.ensembles, Path(snakemake.output[0]).parent)
