from pathlib import Path

from scripts.lib.inference.run_on_sets import Inference
from scripts.lib.jobs.finished_parts import FinishedParts
from scripts.lib.jobs.job import job

with job(snakemake):
    params, output = snakemake.params, Path(snakemake.output[0])
    inference = Inference.of_rule(snakemake)
    for trained, members in zip(snakemake.input.trained, params.members, strict=True):
        for member in members:
            weights = Path(trained) / f"{member}.safetensors"
            finished = FinishedParts(f"{params.finished_parts}/{member}")
            inference.run(weights, weights.with_suffix(".json"), output / member, finished)
