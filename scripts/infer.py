from pathlib import Path

from scripts.lib.inference.run_on_sets import Inference
from scripts.lib.jobs.finished_parts import FinishedParts
from scripts.lib.jobs.job import job

with job(snakemake):
    files, output = snakemake.input, Path(snakemake.output[0])
    Inference.of_rule(snakemake).run(
        files.weights, files.record, output, FinishedParts(snakemake.params.finished_parts)
    )
