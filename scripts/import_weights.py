from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_json
from scripts.lib.members.external_weights import import_weights

with job(snakemake):
    import_weights(
        snakemake.params.member,
        next(iter(snakemake.input.get("weights") or []), None),
        load_json(snakemake.input.classes),
        snakemake.params.stored,
        **dict(snakemake.output.items()),
    )
