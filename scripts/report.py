from pathlib import Path

from scripts.lib.jobs.job import job
from scripts.lib.report.build import build_report

with job(snakemake):
    build_report(Path(snakemake.output[0]).parent, snakemake.input.figures, snakemake.output[0])
