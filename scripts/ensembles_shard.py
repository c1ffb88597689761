from scripts.lib.ensembles.counts import save_tallies, tally_of_files
from scripts.lib.ensembles.tables import subsets
from scripts.lib.inference.recorded import RecordedFiles
from scripts.lib.jobs.device import choose_device
from scripts.lib.jobs.job import job

with job(snakemake):
    dataset, params = snakemake.wildcards.dataset, snakemake.params
    settings = params.ensembles
    chosen = subsets(len(params.members), settings["sizes"], settings["per_size"], params.seed)
    device = choose_device(params.device, snakemake.threads)
    consensus, part = settings["consensus"], int(snakemake.wildcards.shard)
    files = RecordedFiles.declared(dataset, params.members, dict(snakemake.input.items()))
    halves = tally_of_files(files, chosen, consensus, device, part, params.shards)
    save_tallies(snakemake.output.joint, snakemake.output.counts, snakemake.output.scores, halves)
