from scripts.lib.device import choose_device
from scripts.lib.ensembles import subsets
from scripts.lib.job import job
from scripts.lib.tally import save_tally, tally_of_files

with job(snakemake):
    dataset, params = snakemake.wildcards.dataset, snakemake.params
    settings = params.ensembles
    chosen = subsets(len(params.members), settings["sizes"], settings["per_size"], params.seed)
    device = choose_device(params.device, snakemake.threads)
    consensus, part = settings["consensus"], int(snakemake.wildcards.shard)
    tally = tally_of_files(dataset, params.members, snakemake.input, chosen, consensus, device, part, params.shards)
    save_tally(snakemake.output.joint, snakemake.output.counts, tally)
