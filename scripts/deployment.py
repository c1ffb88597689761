from scripts.lib.ensembles.deployment import deployment
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job
from scripts.lib.jobs.storage import load_table, save_array, save_table

with job(snakemake):
    params, inputs = snakemake.params, dict(snakemake.input.items())
    device = choose_device(params.device, snakemake.threads)
    files = RecordedFiles.declared(snakemake.wildcards.dataset, params.members, inputs)
    described = load_table(inputs["members"])
    chosen, contributed, counted = deployment(files, described, params.ensembles, params.share, params.seed, device)
    save_table(snakemake.output.chosen, chosen)
    save_table(snakemake.output.contributions, contributed)
    save_array(snakemake.output.counted, counted)
