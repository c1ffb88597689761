from scripts.lib.datasets.corruptions import corrupt_set
from scripts.lib.datasets.validation_sets import load_validation_set
from scripts.lib.jobs.job import job

with job(snakemake):
    corrupt_set(
        load_validation_set(**dict(snakemake.input.items())),
        snakemake.params.dataset["corruption"],
        snakemake.params.dataset["severity"],
        snakemake.params.seed,
        snakemake.threads,
        **dict(snakemake.output.items()),
    )
