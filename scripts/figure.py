from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.figure import FIGURES, draw_pictures

with job(snakemake):
    figure = snakemake.params.figure
    files = {name: list(paths) for name, paths in snakemake.input.items()}
    draw_pictures(FIGURES[figure["name"]], files, figure["pictures"], Path(snakemake.output[0]).parent)
