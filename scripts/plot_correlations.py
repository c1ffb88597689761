from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.figures.correlations import plot_correlations

with job(snakemake):
    plot_correlations(
        snakemake.input.correlations,
        snakemake.params.improvement,
        snakemake.params.consensus,
        Path(snakemake.output[0]).parent,
    )
