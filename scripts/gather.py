from pathlib import Path

from scripts.lib.inference.recorded import gather
from scripts.lib.jobs.job import job

with job(snakemake):
    outputs = {kind: Path(folder) for kind, folder in snakemake.output.items()}
    gather(snakemake.input.inferred, snakemake.wildcards.dataset, outputs, list(snakemake.input.imported))
