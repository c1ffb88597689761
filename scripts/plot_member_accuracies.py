from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.figures.member_accuracies import plot_member_accuracies

with job(snakemake):
    plot_member_accuracies(snakemake.input.accuracies, Path(snakemake.output[0]).parent)
