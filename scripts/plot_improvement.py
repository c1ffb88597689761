from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.figures.improvement import plot_improvement

with job(snakemake):
    plot_improvement(
        snakemake.input.ensembles,
        snakemake.input.correlations,
        snakemake.params.improvements,
        snakemake.params.consensus,
        Path(snakemake.output[0]).parent,
    )
