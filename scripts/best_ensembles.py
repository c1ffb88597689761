from scripts.lib.ensembles.selection import best_ensembles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import save_table

with job(snakemake):
    params = snakemake.params
    device = choose_device(params.device, snakemake.threads)
    dataset = snakemake.wildcards.dataset
    save_table(snakemake.output[0], best_ensembles(dataset, params.members, snakemake.input, params.ensembles, device))
