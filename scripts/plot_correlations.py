from pathlib import Path

from scripts.lib.job import job
from scripts.lib.plots.correlations import plot_correlations

with job(snakemake):
    plot_correlations(
        snakemake.input.correlations,
        snakemake.params.improvement,
        snakemake.params.consensus,
        Path(snakemake.output[0]).parent,
    )
