from scripts.lib.datasets.validation_images import make_validation_set
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json

with job(snakemake):
    make_validation_set(
        snakemake.params.datasets,
        snakemake.params.dataset,
        snakemake.params.seed,
        load_json(snakemake.input.classes),
        **dict(snakemake.output.items()),
    )
