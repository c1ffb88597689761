from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.figures.attributions import plot_attributions

with job(snakemake):
    files = snakemake.input
    folder = Path(snakemake.output[0]).parent
    plot_attributions(files.images, files.labels, files.classes, files.predictions, files.attributions, folder)
