from scripts.lib.foreign_weights import import_weights
from scripts.lib.job import job
from scripts.lib.storage import load_json

with job(snakemake):
    import_weights(
        snakemake.params.member,
        next(iter(snakemake.input.get("weights") or []), None),
        load_json(snakemake.input.classes),
        snakemake.params.stored,
        **dict(snakemake.output.items()),
    )
