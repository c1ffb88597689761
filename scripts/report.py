from pathlib import Path

from scripts.lib.job import job
from scripts.lib.report import build_report

with job(snakemake):
    build_report(Path(snakemake.output[0]).parent, snakemake.input.figures, snakemake.output[0])
