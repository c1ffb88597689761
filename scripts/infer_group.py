from pathlib import Path

from scripts.lib.inference.run_on_sets import Inference
from scripts.lib.jobs.finished_parts import FinishedParts
from scripts.lib.jobs.job import job

with job(snakemake):
    params, trained, output = snakemake.params, Path(snakemake.input.trained), Path(snakemake.output[0])
    inference = Inference.of_rule(snakemake)
    for member in params.members:
        weights = trained / f"{member}.safetensors"
        finished = FinishedParts(f"{params.finished_parts}/{member}")
        inference.run(weights, weights.with_suffix(".json"), output / member, finished)
