from pathlib import Path

from scripts.lib.inference.recorded import gather
from scripts.lib.jobs.job import job

with job(snakemake):
    files = snakemake.input
    outputs = {kind: Path(folder) for kind, folder in snakemake.output.items()}
    members = [Path(folder) for folder in files.inferred]
    for group in files.groups:
        members += [path for path in sorted(Path(group).iterdir()) if path.is_dir()]
    gather(members, snakemake.wildcards.dataset, outputs, list(files.imported))
