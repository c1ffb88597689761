from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.build import build_report

with job(snakemake):
    figures = dict(zip(snakemake.input.figures, snakemake.params.pictures, strict=True))
    build_report(Path(snakemake.output[0]).parent, figures, snakemake.output[0])
