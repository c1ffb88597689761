from scripts.lib.ensembles.deployment import deployment
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table

with job(snakemake):
    params, files, dataset = snakemake.params, snakemake.input, snakemake.wildcards.dataset
    device = choose_device(params.device, snakemake.threads)
    chosen, contributed = deployment(
        dataset, params.members, files, params.ensembles, params.share, params.seed, device
    )
    save_table(snakemake.output.chosen, chosen)
    save_table(snakemake.output.contributions, contributed)
